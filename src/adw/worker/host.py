"""What the host of a worker is short of, looked at now and then and told to the other workers when it changes."""

from __future__ import annotations

import asyncio
import time

import structlog

from adw.domain.shortage import Shortage, shortage_of
from adw.ports.resources import Resources
from adw.store.db import Database
from adw.store.starts import starts_due_s
from adw.store.workers import set_shortage

LOOK_S = 2.0
STALE_S = 10.0

_log = structlog.get_logger(component="dispatcher")


class Host:
    """Remembers the last look, so that what is short stays short until it is clearly better."""

    def __init__(self, database: Database, resources: Resources, *, host_id: str, worker_id: str) -> None:
        self._database = database
        self._resources = resources
        self._host_id = host_id
        self._worker_id = worker_id
        self._shortage: Shortage | None = None
        self._looked_at = float("-inf")

    async def shortage(self) -> Shortage | None:
        """What keeps new work from beginning here, as the last look found it."""
        if time.monotonic() - self._looked_at > STALE_S:
            await self.look()
        return self._shortage

    async def look(self) -> None:
        """Looks again unless that was done just now. Work that arrives should not have to wait for it."""
        if time.monotonic() - self._looked_at > LOOK_S:
            await self._look()
            self._looked_at = time.monotonic()

    async def _look(self) -> None:
        room = await asyncio.to_thread(self._resources.look)
        async with self._database.read() as connection:
            due_s = await starts_due_s(connection, host_id=self._host_id)
        found = shortage_of(room, before=self._shortage, starts_due_s=due_s)
        if found == self._shortage:
            return
        async with self._database.begin() as connection:
            await set_shortage(connection, worker_id=self._worker_id, shortage=None if found is None else found.detail)
        _log.info("host_shortage", detail=None if found is None else found.detail)
        self._shortage = found
