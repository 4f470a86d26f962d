"""Locks that all processes on one database share, for work that is to be done by one of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text

from adw.store.db import Connection, Database


@asynccontextmanager
async def advisory_lock(database: Database, name: str) -> AsyncGenerator[None]:
    """Held until the block ends or this process dies. It occupies one connection meanwhile.

    The lock belongs to a transaction, so that whoever is cancelled at the moment it is granted still gives it back.
    """
    async with database.read() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
        yield


async def lock_until_commit(connection: Connection, name: str) -> None:
    """Held until the connection's transaction ends, however it ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
