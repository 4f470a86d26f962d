"""Looks after open pull requests: reads how they stand, decides, and lets what follows happen.

One in each worker; rows are claimed for a while, and what is decided is written in one transaction with the claim, so
which of them looks does not matter. A wake-up only makes a look come sooner.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from adw.domain.feedback_decision import LONGEST_S
from adw.kit.errors import AdwError, DatabaseError, ForgeLimitError
from adw.store.db import Database
from adw.store.listen import listen
from adw.store.watches import WATCH_CHANNEL, Watch, add_missing, claim_due, release
from adw.worker.watching import Watching

POLL_S = 2.0
LOOKS_AT_ONCE = 3
AFTER_ERROR_S = 60.0
MISSING_S = 60.0

_log = structlog.get_logger(component="watcher")


async def keep_watching(database: Database, watching: Watching) -> None:
    """Until cancelled."""
    watcher = Watcher(database, watching)
    async with asyncio.TaskGroup() as group:
        group.create_task(watcher.run())
        group.create_task(watcher.add_missing())
        group.create_task(listen(database, WATCH_CHANNEL, watcher.wake))


class Watcher:
    """Takes due pull requests, a few at a time, for a forge may take long to answer."""

    def __init__(self, database: Database, watching: Watching) -> None:
        self._database = database
        self._watching = watching
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(LOOKS_AT_ONCE)

    def wake(self) -> None:
        """Something may be due: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Looks until cancelled. A database that is away for a while only delays it."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                await self._room.acquire()
                watch = await self._claim()
                if watch is None:
                    self._room.release()
                    await self._pause()
                else:
                    group.create_task(self._look_in_turn(watch))

    async def look_once(self) -> bool:
        """Looks at what has been due longest; False when nothing is due."""
        watch = await self._claim()
        if watch is not None:
            await self._look(watch)
        return watch is not None

    async def _claim(self) -> Watch | None:
        try:
            async with self._database.begin() as connection:
                return await claim_due(connection, claim=uuid4().hex)
        except DatabaseError as error:
            _log.warning("watching_delayed", reason=error.message)
            return None

    async def _look_in_turn(self, watch: Watch) -> None:
        try:
            await self._look(watch)
        finally:
            self._room.release()

    async def _look(self, watch: Watch) -> None:
        """What a forge refuses is tried again later; a claim that could not be given back runs out by itself."""
        try:
            await self._watching.look(watch)
        except DatabaseError as error:
            _log.warning("look_lost", adw_id=watch.adw_id, reason=error.message)
        except AdwError as error:
            _log.warning("look_failed", adw_id=watch.adw_id, reason=error.message, code=error.code)
            with suppress(DatabaseError):
                await self._put_back(watch, until=error.until if isinstance(error, ForgeLimitError) else None)

    async def add_missing(self) -> None:
        """Pull requests that older programs opened are watched as well."""
        while True:
            with suppress(DatabaseError):
                async with self._database.begin() as connection:
                    await add_missing(connection)
            await asyncio.sleep(MISSING_S)

    async def _put_back(self, watch: Watch, *, until: datetime | None) -> None:
        """The pause grows with every look that failed; where the forge says until when it refuses, it lasts so long."""
        pause_s = min(LONGEST_S, AFTER_ERROR_S * 2 ** min(watch.quiet, 4))
        if until is not None:
            pause_s = max(1.0, (until - datetime.now(UTC)).total_seconds())
        async with self._database.begin() as connection:
            await release(connection, watch, after_s=pause_s, quiet=watch.quiet + 1)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
