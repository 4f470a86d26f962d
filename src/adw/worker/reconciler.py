"""Sets right what died half-way: at boot, and from time to time."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import structlog

from adw.control.cleanup import cleanup
from adw.domain.status import Status
from adw.kit.errors import AdwError
from adw.kit.ids import is_adw_id
from adw.ports.engine import Engine
from adw.store.workflows import get_workflow
from adw.wiring.foundation import Foundation
from adw.workflows.baseline import BASELINE_PREFIX

INTERVAL_S = 30.0
KEEP_RUNS = timedelta(days=30)

_log = structlog.get_logger(component="reconciler")


class Reconciler:
    """Clears half-made workspaces, and removes what no workflow needs any more."""

    def __init__(self, foundation: Foundation, engine: Engine) -> None:
        self._foundation = foundation
        self._engine = engine

    async def at_boot(self) -> None:
        for sentence in await self._foundation.workspaces.reconcile():
            _log.info("reconciled", what=sentence)

    async def run(self) -> None:
        """Cleans up until cancelled; what fails once is tried again later."""
        while True:
            try:
                await self.clean_up()
            except AdwError as error:
                _log.warning("clean_up_delayed", reason=error.message)
            await asyncio.sleep(INTERVAL_S)

    async def clean_up(self) -> None:
        for item in await cleanup(self._foundation.database, self._foundation.workspaces, dry_run=False):
            _log.info("cleaned_up", item=str(item))
        await self._remove_baselines()
        await self._remove_work_folders()
        await self._engine.purge(older_than=KEEP_RUNS)

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
