"""Sets right what died half-way: at boot, and from time to time."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta

import structlog

from adw.control.cleanup import cleanup
from adw.control.legs import run_id_of, start_leg
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError
from adw.kit.ids import is_adw_id
from adw.kit.process import host_identity, sweep_orphans
from adw.kit.process.strays import stray_supervisors
from adw.ports.engine import Engine, RunStatus
from adw.store.events import append_event
from adw.store.workflows import fence_off, get_workflow, list_active_workflows, lock_workflow
from adw.wiring.foundation import Foundation
from adw.worker.effects import settle_effects
from adw.workflows.baseline import BASELINE_PREFIX

INTERVAL_S = 30.0
KEEP_RUNS = timedelta(days=30)
STRANDED_AFTER = timedelta(seconds=20)

_UNDER_WAY = frozenset({RunStatus.QUEUED, RunStatus.ACTIVE})

_log = structlog.get_logger(component="reconciler")


class Reconciler:
    """Clears half-made workspaces, and removes what no workflow needs any more."""

    def __init__(self, foundation: Foundation, engine: Engine, *, stranded_after: timedelta = STRANDED_AFTER) -> None:
        self._foundation = foundation
        self._engine = engine
        self._stranded_after = stranded_after

    async def at_boot(self) -> None:
        for sentence in await self._foundation.workspaces.reconcile():
            _log.info("reconciled", what=sentence)
        await self._sweep()

    async def run(self) -> None:
        """Cleans up until cancelled; what fails once is tried again later."""
        while True:
            try:
                await self.clean_up()
            except AdwError as error:
                _log.warning("clean_up_delayed", reason=error.message)
            await asyncio.sleep(INTERVAL_S)

    async def clean_up(self) -> None:
        foundation = self._foundation
        for item in await cleanup(foundation.database, foundation.workspaces, host=host_identity(), dry_run=False):
            _log.info("cleaned_up", item=str(item))
        await self.revive_stranded()
        await self._sweep()
        await settle_effects(foundation.database, foundation.access.forge)
        await self._remove_baselines()
        await self._remove_work_folders()
        await self._engine.purge(older_than=KEEP_RUNS)

    async def revive_stranded(self) -> None:
        """The last net: an active workflow whose run has ended without it gets a new leg."""
        async with self._foundation.database.read() as connection:
            active = await list_active_workflows(connection)
        for workflow in active:
            quiet = datetime.now(UTC) - workflow.updated_at > self._stranded_after
            if quiet and await self._engine.status(run_id_of(workflow.adw_id, workflow.leg)) not in _UNDER_WAY:
                await self._revive(workflow)

    async def _revive(self, seen: Workflow) -> None:
        async with self._foundation.database.begin() as connection:
            workflow = await lock_workflow(connection, seen.adw_id)
            if (workflow.status, workflow.leg) != (Status.ACTIVE, seen.leg):
                return
            await fence_off(connection, workflow.adw_id)
            told = NewEvent(type=EventType.WORKFLOW_RECOVERED, message="its run was lost; it goes on with a new one")
            await append_event(connection, workflow.adw_id, told)
            await start_leg(connection, enqueuer=self._engine, workflow=workflow)
        _log.warning("stranded_workflow_revived", adw_id=seen.adw_id, leg=seen.leg)

    async def _sweep(self) -> None:
        """Supervisors that outlived their worker, as when something had stopped them, with all below them."""
        strays = await asyncio.to_thread(stray_supervisors, self._foundation.paths.root)
        if strays and await asyncio.to_thread(sweep_orphans, strays):
            _log.warning("orphans_swept", pids=[stray.pid for stray in strays])

    async def _remove_baselines(self) -> None:
        """Workspaces of baselines whose workflow was stopped before it could remove them."""
        workspaces = self._foundation.workspaces
        names = [entry.name for entry in await workspaces.list() if entry.name.startswith(BASELINE_PREFIX)]
        for name in names:
            if not await self._is_active(name.removeprefix(BASELINE_PREFIX)):
                await workspaces.remove(name)
                _log.info("baseline_removed", name=name)

    async def _remove_work_folders(self) -> None:
        """Reports and set-up marks beside workspaces that are gone."""
        root = self._foundation.work_dir
        kept = {entry.name for entry in await self._foundation.workspaces.list()}
        folders = [path for path in root.iterdir() if is_adw_id(path.name)] if root.is_dir() else []
        for folder in folders:
            if folder.name not in kept and not await self._is_active(folder.name):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _is_active(self, adw_id: str) -> bool:
        async with self._foundation.database.read() as connection:
            workflow = await get_workflow(connection, adw_id)
        return workflow is not None and workflow.status is Status.ACTIVE
