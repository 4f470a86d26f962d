"""The oldest code that may go on using the database, as running workers ask for it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.meta import adw_meta


async def min_compatible(connection: AsyncConnection) -> str | None:
    """Raised by a migration that takes away what older code needs; None on a database that was never migrated."""
    query = select(adw_meta.c.value).where(adw_meta.c.key == "min_compatible")
    return (await connection.execute(query)).scalar_one_or_none()
