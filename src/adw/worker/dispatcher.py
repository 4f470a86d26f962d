"""Admission: moves queued workflows to active while there are slots, and hands them to the engine.

The queued rows are the only queue. A slot is taken while a workflow is active and given back when it waits.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from adw.control.legs import start_leg
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.kit.errors import DatabaseError
from adw.ports.engine import Enqueuer
from adw.store.db import Connection, Database
from adw.store.locks import lock_until_commit
from adw.store.workflows import claim_next_queued, count_active, transition

POLL_S = 0.5
_LOCK = "adw.admission"

_log = structlog.get_logger(component="dispatcher")


class Dispatcher:
    """One in each worker; which of them admits a workflow does not matter."""

    def __init__(self, database: Database, enqueuer: Enqueuer, *, max_active: int) -> None:
        self._database = database
        self._enqueuer = enqueuer
        self._max_active = max_active
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something may be waiting: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Admits until cancelled. A database that is away for a while only delays it."""
        while True:
            self._wake.clear()
            try:
                while await self.admit_one():
                    pass
            except DatabaseError as error:
                _log.warning("admission_delayed", reason=error.message)
            await self._pause()

    async def admit_one(self) -> bool:
        """Starts the next queued workflow if there is one and a slot for it."""
        async with self._database.begin() as connection:
            await lock_until_commit(connection, _LOCK)
            if await count_active(connection) >= self._max_active:
                return False
            return await self._start_next(connection)

    async def _start_next(self, connection: Connection) -> bool:
        queued = await claim_next_queued(connection)
        if queued is None:
            return False
        event = NewEvent(type=EventType.WORKFLOW_STARTED, message="started")
        started = await transition(connection, queued.adw_id, to=Status.ACTIVE, event=event)
        await start_leg(connection, enqueuer=self._enqueuer, workflow=started)
        return True

    async def _pause(self) -> None:
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets a wake-up, and nobody ends this loop.
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
