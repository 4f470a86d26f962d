"""The limits of model credentials as all workers know them. Times are the database's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adw.domain.limits import Limit, LimitKind
from adw.kit.errors import DatabaseError
from adw.store.tables.limits import model_limits as limits

LIMITS_CHANNEL = "adw_limits"
"""Announced whenever a limit or a shared budget has changed."""
PROBE_LEASE_S = 60.0
"""A workflow that was sent ahead and asked nothing for so long is no longer waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLimit:
    """A limit, with the seconds that are left of it by the database's clock; none or fewer when it is over."""

    limit: Limit
    remaining_s: float


async def note_limit(connection: AsyncConnection, limit: Limit, *, remaining_s: float) -> None:
    """Writes that a limit was met. Of two that are known, the later end counts; whoever was sent ahead has failed."""
    until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, remaining_s)
    values = {"credential": limit.credential, "model": limit.model, "kind": limit.kind.value, "resets_at": until}
    statement = insert(limits).values(**values)
    fresh = {
        "kind": statement.excluded.kind,
        "resets_at": func.greatest(limits.c.resets_at, statement.excluded.resets_at),
        "noted_at": func.clock_timestamp(),
        "probe": None,
        "probed_at": None,
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=["credential", "model"], set_=fresh))
    await announce(connection)


async def lift_limit(connection: AsyncConnection, *, credential: str, model: str) -> None:
    """Forgets a limit that is over: a request has come through since."""
    one = (limits.c.credential == credential, limits.c.model == model, limits.c.resets_at <= func.clock_timestamp())
    await connection.execute(limits.delete().where(*one))
    await announce(connection)


async def end_limit(connection: AsyncConnection, scope: str, *, probe: str) -> None:
    """Takes a limit for over, on a person's word; `probe` is the workflow that goes ahead to see."""
    credential, _, model = scope.partition("/")
    now = func.clock_timestamp()
    await connection.execute(
        update(limits)
        .where(limits.c.credential == credential, limits.c.model == model)
        .values(resets_at=func.least(limits.c.resets_at, now), probe=probe, probed_at=now)
    )
    await announce(connection)


async def known_limits(connection: AsyncConnection, *, credential: str | None = None) -> list[KnownLimit]:
    """All of one credential, or all there are; the one that ends last comes first."""
    remaining = func.extract("epoch", limits.c.resets_at - func.clock_timestamp()).label("remaining_s")
    query = select(limits, remaining).order_by(limits.c.resets_at.desc())
    if credential is not None:
        query = query.where(limits.c.credential == credential)
    return [_known(row) for row in (await connection.execute(query)).all()]


async def follow_limits(connection: AsyncConnection) -> None:
    """Brings up to date until when workflows wait, where a limit has been met again since."""
    statement = """
        UPDATE adw_workflows AS w SET resume_at = l.resets_at FROM model_limits AS l
        WHERE w.status = 'waiting' AND w.wait_reason = 'usage_limit' AND w.resume_at < l.resets_at
          AND w.wait_scope = l.credential || '/' || l.model AND l.resets_at > clock_timestamp()
    """
    await connection.execute(text(statement))


async def claim_over_limit(connection: AsyncConnection) -> str | None:
    """A workflow whose limit is over and which may go on now, locked; None when there is none.

    While nobody has come through since the limit's end, only one is let go: the others follow when it has.
    """
    found = (await connection.execute(_DUE_LIMIT, {"lease_s": PROBE_LEASE_S})).one_or_none()
    if found is None:
        return None
    if found.limited:
        taken = await connection.execute(
            _SEND_AHEAD, {"adw_id": found.adw_id, "scope": found.wait_scope, "lease_s": PROBE_LEASE_S}
        )
        if taken.rowcount == 0:
            return None
    return found.adw_id


async def claim_within_budget(connection: AsyncConnection) -> str | None:
    """A workflow that waits for a shared budget in which there is room for it now, locked; None without one."""
    return (await connection.execute(_DUE_BUDGET)).scalar_one_or_none()


async def announce(connection: AsyncConnection) -> None:
    """Wakes whoever waits for a limit or a shared budget, when the transaction commits."""
    await connection.execute(select(func.pg_notify(LIMITS_CHANNEL, "")))


class LimitBook:
    """The same, each in a transaction of its own. Raises `DatabaseError` when there is no database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def note(self, limit: Limit, *, remaining_s: float) -> None:
        async with self._transaction() as connection:
            await note_limit(connection, limit, remaining_s=remaining_s)

    async def lift(self, *, credential: str, model: str) -> None:
        async with self._transaction() as connection:
            await lift_limit(connection, credential=credential, model=model)

    async def known(self, *, credential: str) -> list[KnownLimit]:
        async with self._transaction() as connection:
            return await known_limits(connection, credential=credential)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError, NoConnectionFreeError) as error:
            raise DatabaseError("the limits of the model API could not be shared") from error


def _known(row: Any) -> KnownLimit:
    resets_at: datetime = row.resets_at
    limit = Limit(credential=row.credential, model=row.model, kind=LimitKind(row.kind), resets_at=resets_at)
    return KnownLimit(limit=limit, remaining_s=float(row.remaining_s))


_DUE_LIMIT = text("""
    SELECT w.adw_id, w.wait_scope, l.credential IS NOT NULL AS limited
    FROM adw_workflows AS w
    LEFT JOIN model_limits AS l ON l.credential || '/' || l.model = w.wait_scope
    WHERE w.status = 'waiting' AND w.wait_reason = 'usage_limit' AND w.resume_at <= clock_timestamp()
      AND (l.credential IS NULL OR (l.resets_at <= clock_timestamp() AND (
          l.probe IS NULL OR l.probed_at < clock_timestamp() - make_interval(secs => :lease_s))))
    ORDER BY w.priority DESC, w.created_at, w.adw_id
    LIMIT 1
    FOR UPDATE OF w SKIP LOCKED
""")

_SEND_AHEAD = text("""
    UPDATE model_limits SET probe = :adw_id, probed_at = clock_timestamp()
    WHERE credential || '/' || model = :scope AND resets_at <= clock_timestamp()
      AND (probe IS NULL OR probed_at < clock_timestamp() - make_interval(secs => :lease_s))
""")

_DUE_BUDGET = text("""
    SELECT w.adw_id
    FROM adw_workflows AS w
    WHERE w.status = 'waiting' AND w.wait_reason = 'budget' AND w.wait_scope IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM budgets AS b
          WHERE (b.project_id IS NULL OR b.project_id = w.project_id)
            AND b.budget_usd - CASE
                WHEN coalesce(b.period_start = date_trunc('month', clock_timestamp(), 'UTC'), true)
                THEN b.spent_usd + b.held_usd ELSE 0 END < coalesce(w.wait_usd, 0.000001))
    ORDER BY w.priority DESC, w.created_at, w.adw_id
    LIMIT 1
    FOR UPDATE OF w SKIP LOCKED
""")
