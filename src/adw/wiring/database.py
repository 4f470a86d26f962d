"""Which database is used, that it is there, and that it comes back when it was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from adw.kit.errors import DatabaseError
from adw.kit.paths import DataPaths
from adw.kit.postgres import EmbeddedPostgres
from adw.kit.settings import Settings
from adw.store.db import Database
from adw.store.migrations import migrate

WATCH_S = 1.0

_log = structlog.get_logger(component="database")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDatabase:
    """A database that answers now. `revive` starts it again; None when it is not ours to start."""

    url: str
    revive: Callable[[], str] | None = None


@contextmanager
def running_database(settings: Settings) -> Generator[RunningDatabase]:
    """The database of the settings, the embedded one started when no other is named. It stops with its last user."""
    if settings.database_url is not None:
        yield RunningDatabase(url=settings.database_url)
        return
    DataPaths(settings.data_dir).ensure()
    with EmbeddedPostgres(data_dir=settings.data_dir) as postgres:
        yield RunningDatabase(url=postgres.start(), revive=postgres.start)


@contextmanager
def migrated_database(settings: Settings) -> Generator[RunningDatabase]:
    """The same, brought to the shape this code needs."""
    with running_database(settings) as running:
        migrate(running.url)
        yield running


async def keep_running(database: Database, running: RunningDatabase) -> None:
    """Looks every second whether the embedded database answers, and starts it again when it does not."""
    if running.revive is None:
        return
    while True:
        await asyncio.sleep(WATCH_S)
        try:
            await database.ping()
        except DatabaseError as error:
            _log.warning("database_lost", reason=error.message)
            try:
                await asyncio.to_thread(running.revive)
            except DatabaseError as failed:
                _log.warning("database_not_back_yet", reason=failed.message)
