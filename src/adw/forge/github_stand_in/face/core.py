"""How plain calls reach the server's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from adw.forge.github_stand_in.app import App
from adw.forge.github_stand_in.effects import Effects
from adw.forge.github_stand_in.records import Issue, Pull, Repository
from adw.forge.github_stand_in.serving import Serving
from adw.forge.github_stand_in.world import World, issue_of, pull_of

Result = TypeVar("Result")


class Face:
    """Calls wait for their effect; while the stand-in serves they are carried out in its own loop, in turn with
    requests, else in a loop made for the purpose. They may be made from any thread, also from inside another loop.
    """

    world: World
    app: App

    def __init__(self) -> None:
        self._serving: Serving | None = None

    @property
    def _effects(self) -> Effects:
        return self.app.effects

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._serving is not None:
            return self._serving.do(work)
        with ThreadPoolExecutor(max_workers=1) as elsewhere:
            return elsewhere.submit(asyncio.run, work).result()

    def _repository(self, name: str) -> Repository:
        return self.world.repository(name)

    def _issue(self, name: str, number: int) -> tuple[Repository, Issue]:
        repository = self._repository(name)
        return repository, issue_of(repository, number)

    def _pull(self, name: str, number: int) -> tuple[Repository, Issue, Pull]:
        repository = self._repository(name)
        return repository, *pull_of(repository, number)
