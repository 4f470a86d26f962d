"""Gives back the workspaces and ports of workflows that need them no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from adw.domain.events import EventType, NewEvent
from adw.domain.status import OPEN_PR_STATES, UNFINISHED, PrState, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError
from adw.kit.ids import is_adw_id
from adw.ports.workspace import WorkspaceEntry, Workspaces
from adw.store.db import Connection, Database
from adw.store.leases import list_leases, release_ports
from adw.store.workflows import get_workflow, lock_workflow, update_workflow

_GONE = {"worktree_exists": False, "backend_port": None, "frontend_port": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupItem:
    """A workspace that is, or would be, removed. `path` is None where only ports were left."""

    adw_id: str
    path: Path | None
    reason: str
    removed: bool = False
    problem: str | None = None
    """Why it could not be removed, if that was tried."""


async def cleanup(database: Database, workspaces: Workspaces, *, dry_run: bool) -> list[CleanupItem]:
    """Removes what belongs to merged, closed and cancelled workflows on this host, and frees their ports.

    A workspace whose workflow may go on, or has an open pull request, is never touched. One that cannot be removed
    is reported and does not keep the others.
    """
    entries = {entry.name: entry for entry in await workspaces.list() if is_adw_id(entry.name)}
    found = await _removable(database, entries)
    if dry_run:
        return found
    return [await _remove(database, workspaces, item) for item in found]


def reason_to_remove(workflow: Workflow) -> str | None:
    """Why the workspace is needed no more; None while it is, or is in a person's hands."""
    if workflow.status in UNFINISHED or workflow.pr_state in OPEN_PR_STATES or workflow.held_by is not None:
        return None
    if workflow.pr_state in {PrState.MERGED, PrState.CLOSED}:
        return f"its pull request is {workflow.pr_state}"
    return "it was cancelled" if workflow.status is Status.CANCELLED else None


async def _removable(database: Database, entries: Mapping[str, WorkspaceEntry]) -> list[CleanupItem]:
    found: list[CleanupItem] = []
    async with database.read() as connection:
        leased = {str(lease["adw_id"]) for lease in await list_leases(connection)}
        for adw_id in sorted(entries.keys() | leased):
            workflow = await get_workflow(connection, adw_id)
            reason = None if workflow is None else reason_to_remove(workflow)
            if reason is not None:
                path = entries[adw_id].path if adw_id in entries else None
                found.append(CleanupItem(adw_id=adw_id, path=path, reason=reason))
    return found


async def _remove(database: Database, workspaces: Workspaces, item: CleanupItem) -> CleanupItem:
    """The row stays locked meanwhile, so that nobody can start the workflow again in between."""
    try:
        async with database.begin() as connection:
            workflow = await lock_workflow(connection, item.adw_id)
            if reason_to_remove(workflow) is None:
                return replace(item, problem="it is needed again")
            if item.path is not None:
                await workspaces.remove(item.adw_id)
            await _record(connection, workflow, item)
    except AdwError as error:
        return replace(item, problem=error.message)
    return replace(item, removed=True)


async def _record(connection: Connection, workflow: Workflow, item: CleanupItem) -> None:
    await release_ports(connection, adw_id=item.adw_id)
    if not workflow.worktree_exists and workflow.backend_port is None:
        return
    event = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        message=f"workspace removed: {item.reason}",
        data={"worktreeExists": False, "backendPort": None, "frontendPort": None},
    )
    await update_workflow(connection, item.adw_id, changes=_GONE, event=event)
