"""Notices that the database was brought to a shape this code does not know, while this code runs."""

from __future__ import annotations

import asyncio

import structlog

from adw.kit.errors import DatabaseError
from adw.store.db import Database
from adw.store.migrations import HEAD
from adw.store.revision import min_compatible

LOOK_S = 10.0

_log = structlog.get_logger(component="worker")


async def until_outdated(database: Database, *, revision: str = HEAD, look_s: float = LOOK_S) -> None:
    """Returns when a migration says that code of this revision may not go on; the worker then drains itself."""
    while True:
        try:
            async with database.read() as connection:
                oldest = await min_compatible(connection)
        except DatabaseError as error:
            _log.debug("revision_unknown", reason=error.message)
        else:
            if oldest is not None and oldest > revision:
                _log.error("outdated", revision=revision, needed=oldest, hint="upgrade this installation")
                return
        await asyncio.sleep(look_s)
