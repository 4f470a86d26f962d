"""The sign of life of a worker, given from the event loop itself: a loop that hangs must lose its lease."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError

from adw.engine.settings import EngineSettings
from adw.kit.errors import DatabaseError, InfrastructureError
from adw.kit.ids import new_uuid
from adw.kit.process.identity import host_identity, identify
from adw.store import workers
from adw.store.db import Database
from adw.store.workers import NewWorker

LEASE_LOST_EXIT = 75
"""Exit status of a process whose lease others have ended: start it again."""

_log = structlog.get_logger(component="engine")


class Lease:
    """Registers the worker and keeps beating.

    Lost is a lease that someone has declared ended, in the same transaction that lets others take the runs. One that
    merely ran out while the database was away is extended: nobody can have acted on it.
    """

    def __init__(
        self, database: Database, settings: EngineSettings, *, kept: Callable[[float], None] = lambda _until: None
    ) -> None:
        """`kept` hears at each beat until when the lease holds at least, by this host's monotonic clock."""
        self.worker = _this_process(settings)
        self._database = database
        self._settings = settings
        self._kept = kept
        self._unheard = False
        self._steady_since = float("-inf")

    async def register(self) -> None:
        begun = time.monotonic()
        async with self._database.begin() as connection:
            await workers.register_worker(connection, self.worker, lease_s=self._settings.lease_s)
        self._kept(begun + self._settings.lease_s)

    @property
    def is_steady(self) -> bool:
        """Whether beats have got through long enough for the others', too: after an outage all leases look expired."""
        return not self._unheard and time.monotonic() - self._steady_since >= self._settings.lease_s

    async def keep(self, lost: Callable[[], Awaitable[None]]) -> None:
        """Beats until cancelled, or until the lease is lost; then calls `lost`."""
        while await self._beat():  # noqa: ASYNC110 - a beat is a matter of time
            await asyncio.sleep(self._settings.beat_s)
        _log.error("lease_lost", executor_id=self.worker.id)
        await lost()

    async def drained(self) -> None:
        async with self._database.begin() as connection:
            await workers.mark_drained(connection, worker_id=self.worker.id)

    async def end(self) -> None:
        async with self._database.begin() as connection:
            await workers.end_workers(connection, [self.worker.id], reason="closed")

    async def _beat(self) -> bool:
        """False when the lease is lost. A database that does not answer says nothing about it."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.lease_s), self._database.begin() as connection:
                alive = await workers.beat(connection, worker_id=self.worker.id, lease_s=self._settings.lease_s)
        except (DatabaseError, DBAPIError, TimeoutError) as error:
            if not self._unheard:
                _log.warning("beats_fail", executor_id=self.worker.id, reason=str(error))
            self._unheard = True
            return True
        if self._unheard:
            _log.info("beats_again", executor_id=self.worker.id)
            self._steady_since = time.monotonic()
        self._unheard = False
        if alive:
            # From before the question: the database's own reckoning can only begin later.
            self._kept(begun + self._settings.lease_s)
        return alive


def _this_process(settings: EngineSettings) -> NewWorker:
    process = identify()
    if process is None:
        raise InfrastructureError("this process cannot read its own start time", hint="is /proc mounted?")
    host_id = settings.host_id or host_identity()
    return NewWorker(
        id=f"{socket.gethostname()}:{host_id[:8]}:{os.getpid()}:{new_uuid().hex[:12]}",
        name=settings.name,
        host_id=host_id,
        pid=process.pid,
        process_started_at=process.started_at,
        concurrency=settings.concurrency,
        code_revision=settings.code_revision,
    )
