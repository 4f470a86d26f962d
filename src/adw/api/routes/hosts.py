"""The machines that work: worktrees on this one, workers on all."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field, StrictBool

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.wire import Body, Wire
from adw.control import cleanup as cleaning
from adw.kit.ids import is_adw_id
from adw.kit.process import host_identity
from adw.ports.workspace import WorkspaceEntry
from adw.store import workers as workers_of
from adw.store.db import Connection
from adw.store.leases import list_leases
from adw.store.workflows import get_workflow

router = APIRouter(prefix="/api", tags=["hosts"], responses=problems())


class WorktreeView(Wire):
    """A workspace on this host; of a workflow, unless `adwId` is null."""

    name: str
    project_id: str
    path: str
    branch: str | None
    base_sha: str
    adw_id: str | None
    status: str | None
    pr_state: str | None
    backend_port: int | None
    frontend_port: int | None
    removable: bool


class WorktreeList(Wire):
    """Workspaces by name."""

    worktrees: tuple[WorktreeView, ...]


class CleanupBody(Body):
    """With `dryRun` nothing is removed, only told."""

    dry_run: StrictBool = False


class CleanupItemView(Wire):
    """A workspace that was, or would be, removed."""

    adw_id: str
    path: str | None
    reason: str
    removed: bool
    problem: str | None


class CleanupView(Wire):
    """What was removed, or would be."""

    dry_run: bool
    items: tuple[CleanupItemView, ...]


class WorkerView(Wire):
    """A process that executes workflows, now or in the past."""

    id: str
    name: str
    host_id: str
    pid: int
    concurrency: int
    code_revision: str
    is_live: bool
    started_at: datetime
    beat_at: datetime
    drained_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None


class WorkerList(Wire):
    """Workers, the latest first."""

    workers: tuple[WorkerView, ...]


class PortView(Wire):
    """A port that a workflow's own services may listen on."""

    port: int
    host_id: str
    purpose: str = Field(description="`backend` or `frontend`")
    adw_id: str


class PortList(Wire):
    """Ports in order, of all hosts."""

    ports: tuple[PortView, ...]


@router.get("/worktrees")
async def list_worktrees(services: Services) -> WorktreeList:
    """Workspaces on this host, with their workflows and ports."""
    entries = await services.workspaces.list()
    async with services.database.read() as connection:
        leases = {
            (str(lease["adw_id"]), str(lease["purpose"])): int(str(lease["port"]))
            for lease in await list_leases(connection)
        }
        views = [await _worktree(connection, entry, leases) for entry in entries]
    return WorktreeList(worktrees=tuple(views))


@router.post("/worktrees/cleanup")
async def clean_worktrees(services: Services, body: CleanupBody | None = None) -> CleanupView:
    """Removes workspaces of merged, closed and cancelled workflows and frees their ports."""
    dry_run = body is not None and body.dry_run
    items = await cleaning.cleanup(services.database, services.workspaces, host=host_identity(), dry_run=dry_run)
    views = [
        CleanupItemView(
            adw_id=item.adw_id,
            path=None if item.path is None else str(item.path),
            reason=item.reason,
            removed=item.removed,
            problem=item.problem,
        )
        for item in items
    ]
    return CleanupView(dry_run=dry_run, items=tuple(views))


@router.get("/ports")
async def list_ports(services: Services) -> PortList:
    """Ports that workflows hold, on all hosts."""
    async with services.database.read() as connection:
        leases = await list_leases(connection)
    return PortList(ports=tuple(_port(lease) for lease in leases))


@router.get("/workers")
async def list_workers(services: Services) -> WorkerList:
    """Workers of all hosts, the latest first."""
    async with services.database.read() as connection:
        found = await workers_of.list_workers(connection)
        live = {
            worker.id
            for worker in found
            if worker.ended_at is None and await workers_of.holds_lease(connection, worker_id=worker.id)
        }
    return WorkerList(workers=tuple(_worker(worker, is_live=worker.id in live) for worker in found))


def _port(lease: dict[str, object]) -> PortView:
    return PortView(
        port=int(str(lease["port"])),
        host_id=str(lease["host"]),
        purpose=str(lease["purpose"]),
        adw_id=str(lease["adw_id"]),
    )


async def _worktree(connection: Connection, entry: WorkspaceEntry, leases: dict[tuple[str, str], int]) -> WorktreeView:
    workflow = await get_workflow(connection, entry.name) if is_adw_id(entry.name) else None
    return WorktreeView(
        name=entry.name,
        project_id=entry.project_id,
        path=str(entry.path),
        branch=entry.branch,
        base_sha=entry.base_sha,
        adw_id=None if workflow is None else workflow.adw_id,
        status=None if workflow is None else workflow.status,
        pr_state=None if workflow is None else workflow.pr_state,
        backend_port=leases.get((entry.name, "backend")),
        frontend_port=leases.get((entry.name, "frontend")),
        removable=workflow is not None and cleaning.reason_to_remove(workflow) is not None,
    )


def _worker(worker: workers_of.Worker, *, is_live: bool) -> WorkerView:
    same = WorkerView.model_fields.keys() - {"is_live"}
    return WorkerView(**{name: getattr(worker, name) for name in same}, is_live=is_live)
