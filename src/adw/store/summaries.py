"""Summaries of phases that have ended: which are wanted, who writes one, and what it is to be made from.

A try is taken by a lease on the database's clock; whoever lost it can write nothing, so each phase has one at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, tuple_, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.events import EventType
from adw.domain.headline import headline
from adw.domain.phase import PhaseStatus
from adw.store.json import storable_text
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.usage import workflow_budgets as accounts
from adw.store.tables.work import phases
from adw.store.tables.workflows import events

LEASE_S = 120.0
MOST_EVENTS = 300
"""Of a phase with more, its last ones are told."""

_UNTOLD = (EventType.AGENT_THINKING, EventType.AGENT_TOOL_RESULT)
_KEY = tuple_(phases.c.adw_id, phases.c.phase, phases.c.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A try at the summary of one attempt at a phase, until a moment."""

    adw_id: str
    phase: str
    attempt: int
    status: PhaseStatus
    until: datetime
    started_at: datetime
    ended_at: datetime


async def is_wanted(connection: AsyncConnection) -> bool:
    """Whether any summary waits to be written. A look only."""
    return bool((await connection.execute(select(_open().exists()))).scalar_one())


async def take_wish(connection: AsyncConnection) -> Wish | None:
    """A try at the oldest one that is wanted and that nobody else is at."""
    first = _open().order_by(phases.c.ended_at).limit(1).with_for_update(skip_locked=True).cte("first")
    taken = (
        update(phases)
        .where(tuple_(first.c.adw_id, first.c.phase, first.c.attempt) == _KEY)
        .values(summary_tries=phases.c.summary_tries - 1, summary_until=_in_s(LEASE_S))
        .returning(phases)
    )
    row = (await connection.execute(taken)).one_or_none()
    return None if row is None else _wish(row)


async def keep_summary(connection: AsyncConnection, wish: Wish, summary: str) -> bool:
    """Writes it down; False when another try has taken this one's place."""
    values = {"summary": storable_text(summary), "summary_until": None}
    kept = update(phases).where(*_held(wish)).values(values).returning(phases.c.attempt)
    return (await connection.execute(kept)).first() is not None


async def drop_wish(connection: AsyncConnection, wish: Wish) -> None:
    """There will be no summary of this phase."""
    await connection.execute(update(phases).where(*_held(wish)).values(summary_tries=0, summary_until=None))


async def postpone(connection: AsyncConnection, wish: Wish, *, by_s: float) -> None:
    """Gives the try back, for later."""
    values = {"summary_tries": phases.c.summary_tries + 1, "summary_until": _in_s(by_s)}
    await connection.execute(update(phases).where(*_held(wish)).values(values))


async def headlines_of(connection: AsyncConnection, wish: Wish) -> list[str]:
    """What happened in the attempt, one line each, oldest first."""
    during = events.c.created_at.between(wish.started_at, wish.ended_at)
    query = (
        select(events.c.event_type, events.c.phase, func.left(events.c.message, 2000).label("message"), events.c.data)
        .where(events.c.adw_id == wish.adw_id, events.c.phase == wish.phase, during)
        .where(events.c.event_type.not_in([each.value for each in _UNTOLD]))
        .order_by(events.c.seq.desc())
        .limit(MOST_EVENTS)
    )
    rows = (await connection.execute(query)).all()
    return [headline(EventType(r.event_type), phase=r.phase, message=r.message, data=r.data) for r in reversed(rows)]


async def had_agents(connection: AsyncConnection, wish: Wish) -> bool:
    """Whether a model was asked for anything in the attempt."""
    mine = (
        requests.c.adw_id == wish.adw_id,
        requests.c.phase == wish.phase,
        requests.c.attempt == wish.attempt,
    )
    return bool((await connection.execute(select(select(requests.c.id).where(*mine).exists()))).scalar_one())


async def share_left(connection: AsyncConnection, adw_id: str) -> Decimal:
    """How much of the workflow's budget may still be spent, from 0 to 1; 1 without a budget."""
    left = accounts.c.budget_usd - accounts.c.spent_usd - accounts.c.held_usd
    query = select(left / func.nullif(accounts.c.budget_usd, 0), accounts.c.budget_usd).where(
        accounts.c.adw_id == adw_id
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.budget_usd is None:
        return Decimal(1)
    return max(Decimal(0), row[0] or Decimal(0))


def _open() -> Select[Any, Any, Any]:
    free = phases.c.summary_until.is_(None) | (phases.c.summary_until < func.clock_timestamp())
    named = (phases.c.adw_id, phases.c.phase, phases.c.attempt)
    return select(*named).where(phases.c.summary_tries > 0, phases.c.summary.is_(None), free)


def _held(wish: Wish) -> tuple[ColumnElement[bool], ...]:
    return (
        phases.c.adw_id == wish.adw_id,
        phases.c.phase == wish.phase,
        phases.c.attempt == wish.attempt,
        phases.c.summary_until == wish.until,
    )


def _in_s(seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + text(f"interval '{seconds} seconds'")


def _wish(row: Row[*tuple[Any, ...]]) -> Wish:
    return Wish(
        adw_id=row.adw_id,
        phase=row.phase,
        attempt=row.attempt,
        status=PhaseStatus(row.status),
        until=row.summary_until,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
