"""LISTEN: being woken when something was announced. Whoever is woken looks for itself; a lost wake-up only delays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import psycopg
import structlog
from psycopg import sql

from adw.store.db import Database

RECONNECT_S = 1.0

_log = structlog.get_logger(component="listen")


async def listen(database: Database, channel: str, wake: Callable[[], None]) -> None:
    """Calls `wake` for each announcement until cancelled; after a lost connection it wakes once and listens again."""
    await hear(database, [channel], lambda _channel, _payload: wake(), anew=wake)


async def hear(
    database: Database, channels: Sequence[str], tell: Callable[[str, str], None], *, anew: Callable[[], None]
) -> None:
    """Calls `tell` with channel and payload of each announcement until cancelled.

    `anew` is called each time listening begins, now and after a lost connection: what was announced before is unknown.
    """
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                for channel in channels:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                anew()
                async for notice in connection.notifies():
                    tell(notice.channel, notice.payload)
        except psycopg.OperationalError as error:
            _log.warning("listening_interrupted", reason=str(error).partition("\n")[0])
        await asyncio.sleep(RECONNECT_S)
