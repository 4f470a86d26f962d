"""Sets right what died half-way: at boot, and from time to time."""

from __future__ import annotations

import asyncio

import structlog

from adw.control.cleanup import cleanup
from adw.kit.errors import AdwError
from adw.wiring.foundation import Foundation

INTERVAL_S = 30.0

_log = structlog.get_logger(component="reconciler")


class Reconciler:
    """Clears half-made workspaces, and removes those whose workflow needs them no more."""

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    async def at_boot(self) -> None:
        for sentence in await self._foundation.workspaces.reconcile():
            _log.info("reconciled", what=sentence)

    async def run(self) -> None:
        """Cleans up until cancelled; what fails once is tried again later."""
        while True:
            try:
                for item in await cleanup(self._foundation.database, self._foundation.workspaces, dry_run=False):
                    _log.info("cleaned_up", item=str(item))
            except AdwError as error:
                _log.warning("clean_up_delayed", reason=error.message)
            await asyncio.sleep(INTERVAL_S)
