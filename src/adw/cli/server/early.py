"""Starts the embedded database while this process is still loading: the one waits, the other computes."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from adw.kit.errors import DatabaseError
from adw.kit.settings import Settings


@contextmanager
def early_database(settings: Settings) -> Generator[None]:
    """Holds a share in the embedded database until the block ends, begun in the background.

    A database that cannot be started is not reported here: whoever needs it next will find out why.
    """
    if settings.database_url is not None:
        yield
        return
    from adw.kit.postgres import EmbeddedPostgres

    postgres = EmbeddedPostgres(data_dir=settings.data_dir)

    def start() -> None:
        with suppress(DatabaseError):
            postgres.start()

    starting = threading.Thread(target=start, name="early-database", daemon=True)
    starting.start()
    try:
        yield
    finally:
        starting.join()
        postgres.close()
