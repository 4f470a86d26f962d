"""Looks after open pull requests: reads how they stand, decides, and lets what follows happen.

One in each worker; rows are claimed for a while, and what is decided is written in one transaction with the claim, so
which of them looks does not matter. A wake-up only makes a look come sooner.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import structlog

from adw.kit.errors import AdwError, DatabaseError
from adw.store.db import Database
from adw.store.listen import listen
from adw.store.watches import WATCH_CHANNEL, Watch, add_missing, claim_due, release
from adw.worker.watching import Watching

POLL_S = 1.0
LOOKS_AT_ONCE = 3
AFTER_ERROR_S = 60.0
MISSING_S = 60.0

_log = structlog.get_logger(component="watcher")


async def keep_watching(database: Database, watching: Watching) -> None:
    """Until cancelled."""
    watcher = Watcher(database, watching)
    async with asyncio.TaskGroup() as group:
        for _ in range(LOOKS_AT_ONCE):
            group.create_task(watcher.run())
        group.create_task(watcher.add_missing())
        group.create_task(listen(database, WATCH_CHANNEL, watcher.wake))


class Watcher:
    """Takes one due pull request after the other."""

    def __init__(self, database: Database, watching: Watching) -> None:
        self._database = database
        self._watching = watching
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Looks until cancelled. A database that is away for a while only delays it."""
        while True:
            self._wake.clear()
            looked = False
            try:
                looked = await self.look_once()
            except DatabaseError as error:
                _log.warning("watching_delayed", reason=error.message)
            if not looked:
                await self._pause()

    async def look_once(self) -> bool:
        """Looks at what has been due longest; False when nothing is due."""
        async with self._database.begin() as connection:
            watch = await claim_due(connection, claim=uuid4().hex)
        if watch is None:
            return False
        try:
            await self._watching.look(watch)
        except DatabaseError:
            raise
        except AdwError as error:
            _log.warning("look_failed", adw_id=watch.adw_id, reason=error.message, code=error.code)
            await self._put_back(watch)
        return True

    async def add_missing(self) -> None:
        """Pull requests that older programs opened are watched as well."""
        while True:
            with suppress(DatabaseError):
                async with self._database.begin() as connection:
                    await add_missing(connection)
            await asyncio.sleep(MISSING_S)

    async def _put_back(self, watch: Watch) -> None:
        """The pause grows with every look that failed."""
        async with self._database.begin() as connection:
            pause_s = min(600.0, AFTER_ERROR_S * 2 ** min(watch.quiet, 4))
            await release(connection, watch, after_s=pause_s, quiet=watch.quiet + 1)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
