"""LISTEN: being woken when something was announced. Whoever is woken looks for itself; a lost wake-up only delays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from psycopg import sql

from adw.store.db import Database

RECONNECT_S = 1.0

_log = structlog.get_logger(component="listen")


async def listen(database: Database, channel: str, wake: Callable[[], None]) -> None:
    """Calls `wake` for each announcement until cancelled; after a lost connection it wakes once and listens again."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                wake()
                async for _ in connection.notifies():
                    wake()
        except psycopg.OperationalError as error:
            _log.warning("listening_interrupted", reason=str(error).partition("\n")[0])
        await asyncio.sleep(RECONNECT_S)
