"""One budget per credential and resource, shared by all processes. Times are the database's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.rates import Budget, Cost, RateLimits
from adw.store.tables.github import github_budgets as budgets

_COUNTED = ("points", "writes_minute", "writes_hour", "drained_at")
_ALL = ("allowance", "remaining", "resets_at", "held_until", "holds", *_COUNTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whether a request may go: if not, how many seconds to wait, and until when that is."""

    wait_s: float
    until: datetime


async def take_turn(
    connection: AsyncConnection, *, credential: str, resource: str, cost: Cost, limits: RateLimits
) -> Turn:
    """Books the request's cost if it may go now."""
    budget, now = await _locked(connection, credential=credential, resource=resource)
    budget = budget.drained(now, limits)
    wait_s = budget.wait_s(cost, limits)
    if wait_s == 0:
        spent = budget.spent(cost)
        await _write(connection, credential, resource, {name: getattr(spent, name) for name in _COUNTED})
    return Turn(wait_s=wait_s, until=now + timedelta(seconds=wait_s))


async def note_allowance(
    connection: AsyncConnection,
    *,
    credential: str,
    resource: str,
    allowance: int | None,
    remaining: int,
    resets_at: datetime,
) -> None:
    """Writes what the forge last said is left."""
    seen = {"allowance": allowance, "remaining": remaining, "resets_at": resets_at}
    statement = insert(budgets).values(credential=credential, resource=resource, **seen)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["credential", "resource"], set_=seen),
    )


async def note_hold(
    connection: AsyncConnection, *, credential: str, resource: str, for_s: float | None
) -> datetime | None:
    """Lets nobody use the credential for a while; returns until when."""
    budget, now = await _locked(connection, credential=credential, resource=resource)
    held = budget.held(now, for_s=for_s)
    await _write(connection, credential, resource, {"held_until": held.held_until, "holds": held.holds})
    return held.held_until


async def budget_of(connection: AsyncConnection, *, credential: str, resource: str) -> Budget:
    """How a credential stands, as last written."""
    return (await _locked(connection, credential=credential, resource=resource))[0]


async def _locked(connection: AsyncConnection, *, credential: str, resource: str) -> tuple[Budget, datetime]:
    statement = insert(budgets).values(credential=credential, resource=resource)
    query = statement.on_conflict_do_update(
        index_elements=["credential", "resource"], set_={"credential": statement.excluded.credential}
    ).returning(budgets, func.clock_timestamp().label("present"))
    row = (await connection.execute(query)).one()
    return Budget(**{name: getattr(row, name) for name in _ALL}), row.present


async def _write(connection: AsyncConnection, credential: str, resource: str, values: dict[str, Any]) -> None:
    one = (budgets.c.credential == credential, budgets.c.resource == resource)
    await connection.execute(update(budgets).where(*one).values(**values))
