"""The greeting that a new webhook gets."""

from __future__ import annotations

from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.records import Hook, Repository
from adw.forge.github_stand_in.shapes.core import Json
from adw.forge.github_stand_in.shapes.hooks import hook_json
from adw.forge.github_stand_in.shapes.repositories import repository_of


def ping(core: Core, repository: Repository, hook: Hook, *, sender: str) -> None:
    """Tells a hook that it is there."""
    payload: Json = {
        "zen": "Practicality beats purity.",
        "hook_id": hook.id,
        "hook": hook_json(core.shapes, repository, hook),
        "repository": repository_of(core.shapes, repository),
        "sender": core.shapes.someone(sender),
    }
    core.hooks.send(hook, "ping", payload, target=repository.id)
