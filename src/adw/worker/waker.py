"""Lets workflows go on that wait for the end of a limit or for room in a budget. Any worker does it for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from adw.control.waking import wake_one
from adw.kit.errors import DatabaseError
from adw.ports.engine import Enqueuer
from adw.store.db import Database
from adw.store.limits import LIMITS_CHANNEL, follow_limits
from adw.store.listen import listen

POLL_S = 1.0
STAGGER_S = 0.2
"""Between two workflows that go on, so that what held them back together does not meet them together again."""

_log = structlog.get_logger(component="waker")


async def keep_waking(database: Database, enqueuer: Enqueuer, *, limits_changed: Callable[[], None]) -> None:
    """Until cancelled. `limits_changed` is called as well whenever a limit or a shared budget has changed."""
    waker = Waker(database, enqueuer)

    def wake() -> None:
        limits_changed()
        waker.wake()

    async with asyncio.TaskGroup() as group:
        group.create_task(waker.run())
        group.create_task(listen(database, LIMITS_CHANNEL, wake))


class Waker:
    """One in each worker; the database says when, and which of them acts does not matter."""

    def __init__(self, database: Database, enqueuer: Enqueuer) -> None:
        self._database = database
        self._enqueuer = enqueuer
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A limit or a budget has changed: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Wakes until cancelled. A database that is away for a while only delays it."""
        while True:
            self._wake.clear()
            woken = False
            try:
                woken = await self.wake_one()
            except DatabaseError as error:
                _log.warning("waking_delayed", reason=error.message)
            if woken:
                await asyncio.sleep(STAGGER_S)
            else:
                await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()

    async def wake_one(self) -> bool:
        """Lets one workflow go on if there is one whose waiting is over."""
        async with self._database.begin() as connection:
            await follow_limits(connection)
            adw_id = await wake_one(connection, enqueuer=self._enqueuer)
        if adw_id is not None:
            _log.info("workflow_woken", adw_id=adw_id)
        return adw_id is not None
