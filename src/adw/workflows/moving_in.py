"""Ports for a workspace on this host, and the note of where the workflow is at home now.

There are fewer ports than workflows may be at work. Work at rest gives its own up, and gets others when it goes on;
where all who have some are at work, the next one waits for the first of them to come to rest.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from adw.domain.events import EventType, NewEvent
from adw.domain.project import ForgeKind
from adw.ports.workspace import Workspace
from adw.store.db import Connection
from adw.store.leases import PortPair, PortsTakenError, lease_ports, longest_at_rest, release_ports
from adw.store.workflows import update_workflow
from adw.workflows.context import PhaseContext

PATIENCE_S = 3600.0
_LOOK_S = 1.0


async def move_in(ctx: PhaseContext, workspace: Workspace, *, patience_s: float = PATIENCE_S) -> PortPair:
    """Takes ports on this host, giving up those of another. Raises PortsTakenError after a long time without any."""
    ports = await _patiently(ctx, workspace, until_s=time.monotonic() + patience_s)
    project = ctx.run.project
    checkout = Path(project.source) if project.forge is ForgeKind.LOCAL else None
    ctx.services.write_private_files(workspace.path, checkout, ctx.run.config.env.copy_files, ports)
    return ports


async def _patiently(ctx: PhaseContext, workspace: Workspace, *, until_s: float) -> PortPair:
    is_told = False
    while True:
        try:
            return await _take(ctx, workspace)
        except PortsTakenError as error:
            if time.monotonic() >= until_s:
                raise
            if not is_told:
                message = f"{error.message}; waiting until other work comes to rest"
                await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
                is_told = True
        await asyncio.sleep(_LOOK_S)


async def _take(ctx: PhaseContext, workspace: Workspace) -> PortPair:
    services = ctx.services
    async with services.database.begin() as connection:
        ports = await lease_ports(
            connection,
            adw_id=ctx.adw_id,
            host=services.host,
            candidates=services.port_pairs,
            is_free=services.is_port_free,
            make_room=lambda connection: _make_room(connection, host=services.host),
        )
        await _note(ctx, workspace, ports, connection)
    return ports


async def _note(ctx: PhaseContext, workspace: Workspace, ports: PortPair, connection: Connection) -> None:
    await update_workflow(
        connection,
        ctx.adw_id,
        changes={
            "worktree_path": str(workspace.path),
            "worktree_exists": True,
            "backend_port": ports.backend,
            "frontend_port": ports.frontend,
        },
        event=NewEvent(
            type=EventType.WORKFLOW_UPDATED,
            phase=ctx.phase,
            message=f"working in {workspace.path}",
            data={
                "worktreePath": str(workspace.path),
                "backendPort": ports.backend,
                "frontendPort": ports.frontend,
            },
        ),
        owner_epoch=ctx.run.epoch,
    )


async def _make_room(connection: Connection, *, host: str) -> bool:
    """Takes the ports of the workflow that has been at rest for longest; it gets others when it goes on."""
    at_rest = await longest_at_rest(connection, host=host)
    if at_rest is None:
        return False
    await release_ports(connection, adw_id=at_rest)
    event = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        message="its ports went to work that needs them now",
        data={"backendPort": None, "frontendPort": None},
    )
    await update_workflow(connection, at_rest, changes={"backend_port": None, "frontend_port": None}, event=event)
    return True
