"""Orders that the next leg carries out: written with what asked for them, settled with what carried them out.

They are effects like others, named before they happen; several of a kind are numbered 1, 2, 3... within a workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.json import storable
from adw.store.tables.work import effects


class OrderKind(StrEnum):
    """What is to be done."""

    REWIND = "rewind"
    """Move the branch back to an earlier commit."""
    HANDBACK = "handback"
    """Take over what a person did in the worktree."""
    ROUND = "round"
    """Answer what is said and what happened about the open pull request."""
    ADOPTION = "adoption"
    """Commits of others have become part of the branch; settled from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`data` says what exactly."""

    key: str
    number: int
    data: Mapping[str, Any]
    created_at: datetime


async def count_orders(connection: AsyncConnection, adw_id: str, kind: OrderKind) -> int:
    query = select(func.count()).select_from(effects).where(effects.c.adw_id == adw_id, effects.c.kind == kind.value)
    return (await connection.execute(query)).scalar_one()


async def place_order(
    connection: AsyncConnection, *, adw_id: str, kind: OrderKind, data: Mapping[str, Any], settled: bool = False
) -> int:
    """Writes the order and returns its number. Holders of the workflow's row lock only."""
    number = await count_orders(connection, adw_id, kind) + 1
    values = {
        "key": f"{adw_id}:{kind.value}:{number}",
        "adw_id": adw_id,
        "kind": kind.value,
        "result": storable(data),
        "confirmed_at": func.clock_timestamp() if settled else None,
    }
    await connection.execute(insert(effects).values(values))
    return number


async def open_order(connection: AsyncConnection, adw_id: str, kind: OrderKind) -> Order | None:
    """The latest order of this kind that is not carried out yet; it stands for the earlier ones."""
    found = await _orders(connection, adw_id, kind, settled=False)
    return found[-1] if found else None


async def settled_orders(connection: AsyncConnection, adw_id: str, kind: OrderKind) -> list[Order]:
    return await _orders(connection, adw_id, kind, settled=True)


async def settle_orders(connection: AsyncConnection, adw_id: str, kind: OrderKind) -> None:
    """Notes that what was ordered is done, or wanted no more."""
    of = (effects.c.adw_id == adw_id, effects.c.kind == kind.value, effects.c.confirmed_at.is_(None))
    await connection.execute(update(effects).where(*of).values(confirmed_at=func.clock_timestamp()))


async def _orders(connection: AsyncConnection, adw_id: str, kind: OrderKind, *, settled: bool) -> list[Order]:
    is_settled = effects.c.confirmed_at.is_not(None) if settled else effects.c.confirmed_at.is_(None)
    query = select(effects).where(effects.c.adw_id == adw_id, effects.c.kind == kind.value, is_settled)
    rows = (await connection.execute(query)).mappings()
    orders = [
        Order(
            key=row["key"],
            number=int(row["key"].rpartition(":")[2]),
            data=row["result"] or {},
            created_at=row["created_at"],
        )
        for row in rows
    ]
    return sorted(orders, key=lambda order: order.number)
