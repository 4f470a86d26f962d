"""Gives back the workspaces and ports of workflows that need them no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adw.domain.events import EventType, NewEvent
from adw.domain.status import OPEN_PR_STATES, UNFINISHED, PrState, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError
from adw.kit.ids import is_adw_id
from adw.ports.workspace import WorkspaceEntry, Workspaces
from adw.store.db import Connection, Database
from adw.store.leases import lease_hosts, release_ports
from adw.store.workers import last_seen
from adw.store.workflows import get_workflow, lock_workflow, update_workflow

ORPHANED_AFTER = timedelta(days=1)
HOST_GONE_AFTER = timedelta(days=1)

_GONE = {"worktree_exists": False, "backend_port": None, "frontend_port": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupItem:
    """A workspace that is, or would be, removed. `path` is None where only ports were left."""

    adw_id: str
    path: Path | None
    reason: str
    removed: bool = False
    is_orphan: bool = False
    problem: str | None = None
    """Why it could not be removed, if that was tried."""


async def cleanup(
    database: Database,
    workspaces: Workspaces,
    *,
    host: str,
    dry_run: bool,
    orphaned_after: timedelta = ORPHANED_AFTER,
    host_gone_after: timedelta = HOST_GONE_AFTER,
) -> list[CleanupItem]:
    """Removes what belongs to merged, closed and cancelled workflows on this host, and frees their ports.

    A workspace whose workflow may go on, or has an open pull request, is never touched; one of a workflow that the
    database does not know goes when nothing has moved in it for `orphaned_after`. Files that were never committed are
    saved under the workflow's hidden ref first. What another host has is left to it, unless it has had no worker for
    `host_gone_after`: then its records go, and its files are its own affair. One that cannot be removed is reported
    and does not keep the others.
    """
    entries = {entry.name: entry for entry in await workspaces.list() if is_adw_id(entry.name)}
    found = await _removable(database, entries, host=host, host_gone_after=host_gone_after)
    found += await _orphans(database, entries, orphaned_after=orphaned_after)
    if dry_run:
        return found
    return [await _remove(database, workspaces, item, host=host) for item in found]


def reason_to_remove(workflow: Workflow) -> str | None:
    """Why the workspace is needed no more; None while it is, or is in a person's hands."""
    if workflow.status in UNFINISHED or workflow.pr_state in OPEN_PR_STATES or workflow.held_by is not None:
        return None
    if workflow.pr_state in {PrState.MERGED, PrState.CLOSED}:
        return f"its pull request is {workflow.pr_state}"
    return "it was cancelled" if workflow.status is Status.CANCELLED else None


async def _removable(
    database: Database, entries: Mapping[str, WorkspaceEntry], *, host: str, host_gone_after: timedelta
) -> list[CleanupItem]:
    found: list[CleanupItem] = []
    async with database.read() as connection:
        at = await lease_hosts(connection)
        seen = await last_seen(connection)
        gone = {each for each in at.values() if each != host and _is_gone(seen.get(each), after=host_gone_after)}
        for adw_id in sorted(entries.keys() | at.keys()):
            workflow = await get_workflow(connection, adw_id)
            reason = None if workflow is None else reason_to_remove(workflow)
            if reason is not None and (adw_id in entries or at[adw_id] == host or at[adw_id] in gone):
                path = entries[adw_id].path if adw_id in entries else None
                found.append(CleanupItem(adw_id=adw_id, path=path, reason=reason))
    return found


async def _orphans(
    database: Database, entries: Mapping[str, WorkspaceEntry], *, orphaned_after: timedelta
) -> list[CleanupItem]:
    async with database.read() as connection:
        unknown = [entry for name, entry in entries.items() if await get_workflow(connection, name) is None]
    return [
        CleanupItem(adw_id=entry.name, path=entry.path, reason="no workflow knows it", is_orphan=True)
        for entry in unknown
        if _still_since(entry.path, orphaned_after)
    ]


async def _remove(database: Database, workspaces: Workspaces, item: CleanupItem, *, host: str) -> CleanupItem:
    """The row stays locked meanwhile, so that nobody can start the workflow again in between."""
    try:
        if item.is_orphan:
            await workspaces.remove(item.adw_id)
            return replace(item, removed=True)
        async with database.begin() as connection:
            workflow = await lock_workflow(connection, item.adw_id)
            if reason_to_remove(workflow) is None:
                return replace(item, problem="it is needed again")
            if item.path is not None:
                await workspaces.remove(item.adw_id)
            at = (await lease_hosts(connection)).get(item.adw_id, host)
            if at == host or item.path is None:
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


def _is_gone(seen: datetime | None, *, after: timedelta) -> bool:
    return seen is None or datetime.now(UTC) - seen > after


def _still_since(folder: Path, age: timedelta) -> bool:
    try:
        return datetime.now(UTC) - datetime.fromtimestamp(folder.stat().st_mtime, UTC) >= age
    except OSError:
        return False
