"""Which database is used, and that it is there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from adw.kit.paths import DataPaths
from adw.kit.postgres import EmbeddedPostgres
from adw.kit.settings import Settings
from adw.store.migrations import migrate


@contextmanager
def running_database(settings: Settings) -> Generator[str]:
    """The URL of the database, the embedded one started when no other is named. Stops with its last user."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    DataPaths(settings.data_dir).ensure()
    with EmbeddedPostgres(data_dir=settings.data_dir) as postgres:
        yield postgres.start()


@contextmanager
def migrated_database(settings: Settings) -> Generator[str]:
    """The same, brought to the shape this code needs."""
    with running_database(settings) as url:
        migrate(url)
        yield url
