"""Effects on the outside that were begun and never confirmed: looked up on the forge, and set right or told."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from adw.domain.project import Project
from adw.kit.errors import AdwError
from adw.ports.forge import Forge
from adw.store.db import Database
from adw.store.projects import get_project
from adw.store.results import OpenEffect, confirm_effect, open_effects_of_ended
from adw.store.workflows import get_workflow

_log = structlog.get_logger(component="reconciler")


async def settle_effects(database: Database, forge_of: Callable[[Project], Forge]) -> int:
    """Settles those of ended workflows; a workflow that goes on looks for itself. Returns how many."""
    async with database.read() as connection:
        found = await open_effects_of_ended(connection)
    settled = 0
    for effect in found:
        try:
            settled += await _settle(database, forge_of, effect)
        except AdwError as error:
            _log.warning("effect_unsettled", key=effect.key, adw_id=effect.adw_id, reason=error.message)
    return settled


async def _settle(database: Database, forge_of: Callable[[Project], Forge], effect: OpenEffect) -> bool:
    async with database.read() as connection:
        workflow = await get_workflow(connection, effect.adw_id)
        project = None if workflow is None else await get_project(connection, workflow.project_id)
    if workflow is None or project is None or effect.kind != "pull_request":
        return False
    pull = None
    if workflow.branch_name is not None:
        pull = await forge_of(project).find_pull_request(workflow.branch_name)
    result = {"happened": False} if pull is None else {"number": pull.number}
    async with database.begin() as connection:
        await confirm_effect(connection, key=effect.key, result=result)
    _log.warning("effect_settled", key=effect.key, adw_id=effect.adw_id, kind=effect.kind, **result)
    return True
