"""Money and tokens: every request to a model is reserved before it is sent and settled when it is over.

The budgets that the workflow shares with others are locked first in each transaction, then the account that its own is
part of, if it is, then its own, so that parallel requests see each other's reservations. What is reserved and never
settled stays booked in full.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Row, Text, bindparam, case, func, insert, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adw.domain.budget import (
    WARN_AT,
    BudgetScope,
    BudgetWarning,
    Claim,
    Refusal,
    Reservation,
    Room,
    Settlement,
    decide_within,
    most_for,
)
from adw.domain.usage import Tokens, Usage
from adw.kit.errors import DatabaseError, UsageError
from adw.store.budgets import book, book_in_full, has_room, hold, lock_shared
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.usage import workflow_budgets as budgets


async def set_budget(connection: AsyncConnection, adw_id: str, *, budget_usd: Decimal | None) -> None:
    """Gives a workflow a budget, whatever it had before; None lifts the limit."""
    values = {"budget_usd": budget_usd, "warned_at": None}
    await connection.execute(
        postgresql.insert(budgets)
        .values(adw_id=adw_id, **values)
        .on_conflict_do_update(index_elements=["adw_id"], set_=values)
    )


async def open_part(connection: AsyncConnection, adw_id: str, *, of: str, budget_usd: Decimal) -> None:
    """An account that another one bounds as well. Which one that is, is settled when it is opened."""
    opened = postgresql.insert(budgets).values(adw_id=adw_id, budget_usd=budget_usd, part_of=of)
    values = {"budget_usd": budget_usd, "warned_at": None}
    differs = budgets.c.budget_usd.is_distinct_from(budget_usd)
    await connection.execute(opened.on_conflict_do_update(index_elements=["adw_id"], set_=values, where=differs))


async def raise_budget(connection: AsyncConnection, adw_id: str, *, to_usd: Decimal) -> None:
    """Makes the budget larger. Raises `UsageError` unless `to_usd` exceeds the present one and what is booked."""
    account = await _lock_account(connection, adw_id, budget_usd=None)
    floor = max(account.budget_usd or Decimal(0), account.spent_usd + account.held_usd)
    if to_usd <= floor:
        raise UsageError(f"a budget of {to_usd} USD would not be a raise", hint=f"name an amount above {floor} USD")
    await set_budget(connection, adw_id, budget_usd=to_usd)


async def remaining(connection: AsyncConnection, adw_id: str) -> Decimal | None:
    """US dollars that may still be reserved, open reservations taken off; None without a budget."""
    row = (await connection.execute(select(budgets).where(budgets.c.adw_id == adw_id))).one_or_none()
    return None if row is None else _remaining(row)


async def reserve(connection: AsyncConnection, claim: Claim) -> Reservation | Refusal:
    """Books the most this request can cost, with fewer output tokens if need be, or refuses it. Records either."""
    shared = await lock_shared(connection, claim.adw_id)
    whole = await _lock_whole(connection, claim.adw_id)
    account = await _lock_account(connection, claim.adw_id, budget_usd=claim.budget_usd)
    own = [Room(scope=BudgetScope.WORKFLOW, left_usd=_remaining(each)) for each in (account, *whole)]
    answer = decide_within(claim, [*own, *shared.rooms])
    now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    values = _columns_of(claim) | {"started_at": now}
    if isinstance(answer, Refusal):
        refused = {"state": "refused", "refusal": answer.reason, "refusal_scope": answer.scope.value, "cost_usd": 0}
        await connection.execute(insert(requests).values(**values, **refused, ended_at=now))
        return answer
    usd = answer.reserved_usd or Decimal(0)
    await hold(connection, shared, usd=usd)
    own_hold = (
        update(budgets)
        .where(budgets.c.adw_id.in_([claim.adw_id, *(each.adw_id for each in whole)]))
        .values(held_usd=budgets.c.held_usd + usd)
        .returning(budgets.c.adw_id)
        .cte("hold")
    )
    values |= {"max_tokens": answer.max_tokens, "reserved_usd": answer.reserved_usd}
    await connection.execute(insert(requests).values(**values, state="reserved").add_cte(own_hold))
    return answer


async def reserve_at_once(connection: AsyncConnection, claim: Claim) -> Reservation | None:
    """The common case of `reserve` in one statement: everything asked for is affordable. None when it is not that."""
    most_usd = most_for(claim, max_tokens=claim.max_tokens)
    values = _columns_of(claim) | {"usd": most_usd, "may_lack_budget": claim.budget_usd is None}
    if (await connection.execute(_AT_ONCE, values)).one_or_none() is None:
        return None
    return Reservation(max_tokens=claim.max_tokens, reserved_usd=most_usd)


async def settle(
    connection: AsyncConnection, request_id: UUID, *, adw_id: str, settlement: Settlement
) -> list[BudgetWarning]:
    """Replaces a reservation by what the request really cost. Settling twice changes nothing."""
    shared = await lock_shared(connection, adw_id)
    whole = await _lock_whole(connection, adw_id)
    account = await _lock_account(connection, adw_id, budget_usd=None)
    closed = await _close(connection, request_id, settlement)
    if closed is None:
        return []
    held, cost = closed.reserved_usd or Decimal(0), settlement.cost_usd or Decimal(0)
    spent = account.spent_usd + cost
    limit = account.budget_usd
    warn = limit is not None and account.warned_at is None and spent >= limit * WARN_AT
    await connection.execute(
        update(budgets)
        .where(budgets.c.adw_id == adw_id)
        .values(
            held_usd=budgets.c.held_usd - held,
            spent_usd=spent,
            warned_at=func.clock_timestamp() if warn else account.warned_at,
        )
    )
    await _book_on(connection, whole, reserved_usd=held, cost_usd=cost)
    warnings = await book(connection, shared, adw_id=adw_id, month=closed.month, reserved_usd=held, cost_usd=cost)
    if warn and limit is not None:
        warnings.insert(0, BudgetWarning(adw_id=adw_id, spent_usd=spent, budget_usd=limit))
    return warnings


async def book_orphans(connection: AsyncConnection, *, adw_id: str) -> int:
    """Turns open reservations into cost, in full. For a workflow whose former worker is known to be dead.

    Returns how many there were. The books are right without this; it only closes the rows.
    """
    shared = await lock_shared(connection, adw_id)
    whole = await _lock_whole(connection, adw_id)
    await _lock_account(connection, adw_id, budget_usd=None)
    closed = await connection.execute(
        update(requests)
        .where(requests.c.adw_id == adw_id, requests.c.state == "reserved")
        .values(state="settled", cost_usd=requests.c.reserved_usd, inexact=True, ended_at=func.clock_timestamp())
        .returning(requests.c.reserved_usd, _MONTH_OF_START)
    )
    orphans = closed.all()
    total = sum((row.reserved_usd or Decimal(0) for row in orphans), Decimal(0))
    await connection.execute(
        update(budgets)
        .where(budgets.c.adw_id == adw_id)
        .values(held_usd=budgets.c.held_usd - total, spent_usd=budgets.c.spent_usd + total)
    )
    await _book_on(connection, whole, reserved_usd=total, cost_usd=total)
    if orphans:
        await book_in_full(connection, shared, [(row.month, row.reserved_usd or Decimal(0)) for row in orphans])
    return len(orphans)


async def usage_of_workflow(connection: AsyncConnection, adw_id: str) -> Usage:
    """All requests of a workflow; those still open count with what they have reserved."""
    row = (await connection.execute(select(*_SUMS).where(_counted(adw_id)))).mappings().one()
    return usage_from(row)


async def usage_by_phase(connection: AsyncConnection, adw_id: str) -> dict[str, Usage]:
    """The same, for each phase that made requests."""
    rows = (await connection.execute(USAGE_OF, {"adw_id": adw_id})).mappings()
    return {row["phase"]: usage_from(row) for row in rows}


class UsageBook:
    """The same operations, each in a transaction of its own. Raises `DatabaseError` when there is no database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def reserve(self, claim: Claim) -> Reservation | Refusal:
        """Agents wait for this, so the common case is a single statement that is its own transaction."""
        async with self._reachable(), self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            at_once = await reserve_at_once(connection, claim)
        if at_once is not None:
            return at_once
        async with self._transaction() as connection:
            return await reserve(connection, claim)

    async def has_room(self, adw_id: str, *, needed_usd: Decimal) -> bool:
        """See `adw.store.budgets.has_room`."""
        async with self._reachable(), self._engine.connect() as connection:
            return await has_room(connection, adw_id, needed_usd=needed_usd)

    async def settle(self, request_id: UUID, *, adw_id: str, settlement: Settlement) -> list[BudgetWarning]:
        async with self._transaction() as connection:
            return await settle(connection, request_id, adw_id=adw_id, settlement=settlement)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        async with self._reachable(), self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _reachable(self) -> AsyncGenerator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, NoConnectionFreeError) as error:
            raise DatabaseError("model usage could not be booked") from error


async def _lock_account(
    connection: AsyncConnection, adw_id: str, *, budget_usd: Decimal | None
) -> Row[*tuple[Any, ...]]:
    query = select(budgets).where(budgets.c.adw_id == adw_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        opened = postgresql.insert(budgets).values(adw_id=adw_id, budget_usd=budget_usd).on_conflict_do_nothing()
        await connection.execute(opened)
        row = (await connection.execute(query)).one()
    if row.budget_usd is None and budget_usd is not None:
        await connection.execute(update(budgets).where(budgets.c.adw_id == adw_id).values(budget_usd=budget_usd))
        row = (await connection.execute(query)).one()
    return row


async def _lock_whole(connection: AsyncConnection, adw_id: str) -> Sequence[Row[*tuple[Any, ...]]]:
    """The account that this one is part of, if it is part of one."""
    name = select(budgets.c.part_of).where(budgets.c.adw_id == adw_id).scalar_subquery()
    return (await connection.execute(select(budgets).where(budgets.c.adw_id == name).with_for_update())).all()


async def _book_on(
    connection: AsyncConnection, whole: Sequence[Row[*tuple[Any, ...]]], *, reserved_usd: Decimal, cost_usd: Decimal
) -> None:
    values = {"held_usd": budgets.c.held_usd - reserved_usd, "spent_usd": budgets.c.spent_usd + cost_usd}
    for each in whole:
        await connection.execute(update(budgets).where(budgets.c.adw_id == each.adw_id).values(**values))


def _remaining(account: Row[*tuple[Any, ...]]) -> Decimal | None:
    if account.budget_usd is None:
        return None
    return account.budget_usd - account.spent_usd - account.held_usd


async def _close(connection: AsyncConnection, request_id: UUID, settlement: Settlement) -> Row[*tuple[Any, ...]] | None:
    closing = (
        update(requests)
        .where(requests.c.id == request_id, requests.c.state == "reserved")
        .values(
            state=settlement.state,
            input_tokens=settlement.tokens.input,
            output_tokens=settlement.tokens.output,
            cache_write_tokens=settlement.tokens.cache_write,
            cache_read_tokens=settlement.tokens.cache_read,
            cost_usd=settlement.cost_usd,
            inexact=settlement.inexact,
            status=settlement.status,
            latency_ms=settlement.latency_ms,
            first_byte_ms=settlement.first_byte_ms,
            ended_at=func.clock_timestamp(),
        )
        .returning(requests.c.reserved_usd, _MONTH_OF_START)
    )
    return (await connection.execute(closing)).one_or_none()


_CLAIMED = ("id", "adw_id", "agent_run_id", "phase", "attempt", "role", "model", "stream", "max_tokens", "asked_model")


def _columns_of(claim: Claim) -> dict[str, object]:
    return {name: getattr(claim, name) for name in _CLAIMED}


_MONTH_OF_START = func.date_trunc("month", requests.c.started_at, "UTC").label("month")

_AT_ONCE = text("""
    WITH shared AS MATERIALIZED (
        SELECT id,
               budget_usd - spent_usd - held_usd >= CAST(:usd AS numeric(14, 6))
               AND coalesce(period_start = date_trunc('month', statement_timestamp(), 'UTC'), true) AS has_room
        FROM budgets
        WHERE project_id IS NULL OR project_id = (SELECT project_id FROM adw_workflows WHERE adw_id = :adw_id)
        ORDER BY id
        FOR UPDATE
    ), own AS (
        UPDATE workflow_budgets SET held_usd = held_usd + coalesce(CAST(:usd AS numeric(14, 6)), 0)
        WHERE adw_id = :adw_id AND part_of IS NULL AND NOT EXISTS (SELECT FROM shared WHERE has_room IS NOT TRUE) AND (
            (budget_usd IS NULL AND :may_lack_budget)
            OR budget_usd - spent_usd - held_usd >= CAST(:usd AS numeric(14, 6))
        )
        RETURNING adw_id
    ), others AS (
        UPDATE budgets SET held_usd = budgets.held_usd + coalesce(CAST(:usd AS numeric(14, 6)), 0)
        FROM shared, own WHERE budgets.id = shared.id
    )
    INSERT INTO model_requests (
        id, adw_id, agent_run_id, phase, attempt, role, model, stream, max_tokens, asked_model,
        reserved_usd, state, started_at
    )
    SELECT :id, :adw_id, :agent_run_id, :phase, :attempt, :role, :model, :stream, :max_tokens,
           CAST(:asked_model AS text), CAST(:usd AS numeric(14, 6)), 'reserved', statement_timestamp()
    FROM own
    RETURNING id
""")
"""Without a price the amount is NULL, which fits into no budget. A month that is over, and an account that is part of
another one, are left to `reserve`."""

_COST = case((requests.c.state == "reserved", requests.c.reserved_usd), else_=requests.c.cost_usd)
_SUMS = (
    func.count().label("requests"),
    func.coalesce(func.sum(requests.c.input_tokens), 0).label("input"),
    func.coalesce(func.sum(requests.c.output_tokens), 0).label("output"),
    func.coalesce(func.sum(requests.c.cache_write_tokens), 0).label("cache_write"),
    func.coalesce(func.sum(requests.c.cache_read_tokens), 0).label("cache_read"),
    func.coalesce(func.sum(_COST), 0).label("cost_usd"),
    func.coalesce(func.bool_or(_COST.is_(None)), False).label("unknown"),
)


def _counted(adw_id: str | BindParameter[str]) -> ColumnElement[bool]:
    return (requests.c.adw_id == adw_id) & (requests.c.state != "refused")


USAGE_OF = select(requests.c.phase, *_SUMS).where(_counted(bindparam("adw_id", type_=Text))).group_by(requests.c.phase)


def usage_from(row: Mapping[Any, Any]) -> Usage:
    """The sums a row of `USAGE_OF` holds."""
    return Usage(
        requests=row["requests"],
        tokens=Tokens(
            input=int(row["input"]),
            output=int(row["output"]),
            cache_write=int(row["cache_write"]),
            cache_read=int(row["cache_read"]),
        ),
        cost_usd=None if row["unknown"] else Decimal(str(row["cost_usd"])),
    )
