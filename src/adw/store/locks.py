"""Locks that all processes on one database share, for work that is to be done by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from adw.store.db import Connection, Database


@asynccontextmanager
async def advisory_lock(database: Database, name: str) -> AsyncGenerator[None]:
    """Held until the block ends, or this process dies or stands still. It occupies one connection meanwhile.

    The lock belongs to a transaction, so that whoever is cancelled at the moment it is granted still gives it back.
    """
    async with database.read() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
        done = asyncio.Event()
        beat = asyncio.create_task(_keep_alive(connection, every_s=database.stall_s / 4, until=done))
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(beat, return_exceptions=True)


async def lock_until_commit(connection: Connection, name: str) -> None:
    """Held until the connection's transaction ends, however it ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


async def _keep_alive(connection: Connection, *, every_s: float, until: asyncio.Event) -> None:
    """Lets the server see that the holder still runs; without it the lock would be taken away."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await until.wait()
            return
        await connection.execute(text("SELECT 1"))
