"""An agent's tree, saved on the remote while it works, so that another host can continue from it."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import structlog

from adw.kit.errors import AdwError
from adw.ports.workspace import Workspace
from adw.store import agent_outputs
from adw.workflows.context import PhaseContext
from adw.workflows.secrets import find_secrets

_FOR_HEIR_S = 5.0

_log = structlog.get_logger(component="workflow")


class Snapshots:
    """Taken when an agent has ended a turn, and at most every `snapshot_interval_s` meanwhile.

    Without a workspace, as for agents that write nothing, none are taken.
    """

    def __init__(self, ctx: PhaseContext, workspace: Workspace | None, *, since: str, output_id: UUID) -> None:
        self._ctx = ctx
        self._workspace = workspace
        self._since = since
        self._output_id = output_id
        self._last = time.monotonic()

    async def take_if_due(self) -> None:
        if time.monotonic() - self._last >= self._ctx.services.snapshot_interval_s:
            await self.take()

    async def take(self) -> None:
        if self._workspace is None:
            return
        self._last = time.monotonic()
        if find_secrets(await self._workspace.diff(base=self._since)):
            return  # a snapshot goes to the remote; the phase's own gate tells of the leak
        await self._ctx.check_ownership()
        sha = await self._workspace.snapshot(label=f"{self._ctx.phase}.{self._ctx.attempt}")
        async with self._ctx.services.database.begin() as connection:
            await agent_outputs.record_snapshot(connection, output_id=self._output_id, snapshot_sha=sha)

    async def take_for_heir(self) -> None:
        """For whoever goes on when this worker stops; nothing is taken when somebody else has the workflow already."""
        try:
            async with asyncio.timeout(_FOR_HEIR_S):
                await self.take()
        except (AdwError, TimeoutError) as error:
            _log.info("parked_without_snapshot", adw_id=self._ctx.adw_id, reason=str(error))
