"""Money and tokens: every request to a model is reserved before it is sent and settled when it is over.

The account row of the workflow is locked first in each transaction, so that parallel requests see each other's
reservations. What is reserved and never settled stays booked in full.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adw.domain.prices import MICRO_USD
from adw.domain.usage import Tokens, Usage
from adw.kit.errors import DatabaseError, UsageError
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.usage import workflow_budgets as budgets

LEAST_MAX_TOKENS = 1024
"""An answer that may not even be this long is not worth paying its prompt for."""
WARN_AT = Decimal("0.8")

NO_TOKENS = Tokens()

RefusalReason = Literal["budget", "unpriced_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request about to be sent. Its amounts are upper bounds in US dollars, or None when the model has no price."""

    id: UUID
    adw_id: str
    agent_run_id: str
    phase: str
    attempt: int
    role: str
    model: str
    stream: bool
    max_tokens: int
    input_usd: Decimal | None
    output_usd_per_token: Decimal | None
    budget_usd: Decimal | None = None
    """The budget to hold if the workflow's account does not have one yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A request that may be sent, with at most `max_tokens` of output."""

    max_tokens: int
    reserved_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that must not be sent."""

    reason: RefusalReason
    remaining_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a request ended. `cost_usd` is None when the model has no price; `inexact` marks estimates."""

    state: Literal["settled", "failed"]
    tokens: Tokens = NO_TOKENS
    cost_usd: Decimal | None = Decimal(0)
    inexact: bool = False
    status: int | None = None
    latency_ms: int | None = None
    first_byte_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWarning:
    """Most of a budget is spent. Given once per budget."""

    adw_id: str
    spent_usd: Decimal
    budget_usd: Decimal


async def set_budget(connection: AsyncConnection, adw_id: str, *, budget_usd: Decimal | None) -> None:
    """Gives a workflow a budget, whatever it had before; None lifts the limit."""
    values = {"budget_usd": budget_usd, "warned_at": None}
    await connection.execute(
        postgresql.insert(budgets)
        .values(adw_id=adw_id, **values)
        .on_conflict_do_update(index_elements=["adw_id"], set_=values)
    )


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
    account = await _lock_account(connection, claim.adw_id, budget_usd=claim.budget_usd)
    answer = _decide(claim, left=_remaining(account))
    if isinstance(answer, Refusal):
        await connection.execute(
            insert(requests).values(
                **_columns_of(claim),
                state="refused",
                refusal=answer.reason,
                cost_usd=0,
                ended_at=func.clock_timestamp(),
            )
        )
        return answer
    values = _columns_of(claim) | {"max_tokens": answer.max_tokens, "reserved_usd": answer.reserved_usd}
    hold = (
        update(budgets)
        .where(budgets.c.adw_id == claim.adw_id)
        .values(held_usd=budgets.c.held_usd + (answer.reserved_usd or Decimal(0)))
        .returning(budgets.c.adw_id)
        .cte("hold")
    )
    await connection.execute(insert(requests).values(**values, state="reserved").add_cte(hold))
    return answer


async def settle(
    connection: AsyncConnection, request_id: UUID, *, adw_id: str, settlement: Settlement
) -> BudgetWarning | None:
    """Replaces a reservation by what the request really cost. Settling twice changes nothing."""
    account = await _lock_account(connection, adw_id, budget_usd=None)
    reserved = await _close(connection, request_id, settlement)
    if reserved is None:
        return None
    held = reserved.reserved_usd or Decimal(0)
    spent = account.spent_usd + (settlement.cost_usd or Decimal(0))
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
    return BudgetWarning(adw_id=adw_id, spent_usd=spent, budget_usd=limit) if warn and limit is not None else None


async def book_orphans(connection: AsyncConnection, *, adw_id: str) -> int:
    """Turns open reservations into cost, in full. For a workflow whose former worker is known to be dead.

    Returns how many there were. The books are right without this; it only closes the rows.
    """
    await _lock_account(connection, adw_id, budget_usd=None)
    closed = await connection.execute(
        update(requests)
        .where(requests.c.adw_id == adw_id, requests.c.state == "reserved")
        .values(state="settled", cost_usd=requests.c.reserved_usd, inexact=True, ended_at=func.clock_timestamp())
        .returning(requests.c.reserved_usd)
    )
    amounts = [amount or Decimal(0) for amount in closed.scalars()]
    total = sum(amounts, Decimal(0))
    await connection.execute(
        update(budgets)
        .where(budgets.c.adw_id == adw_id)
        .values(held_usd=budgets.c.held_usd - total, spent_usd=budgets.c.spent_usd + total)
    )
    return len(amounts)


async def usage_of_workflow(connection: AsyncConnection, adw_id: str) -> Usage:
    """All requests of a workflow; those still open count with what they have reserved."""
    row = (await connection.execute(select(*_SUMS).where(_counted(adw_id)))).one()
    return _usage(row)


async def usage_by_phase(connection: AsyncConnection, adw_id: str) -> dict[str, Usage]:
    """The same, for each phase that made requests."""
    query = select(requests.c.phase, *_SUMS).where(_counted(adw_id)).group_by(requests.c.phase)
    return {row.phase: _usage(row) for row in (await connection.execute(query)).all()}


class UsageBook:
    """The same operations, each in a transaction of its own. Raises `DatabaseError` when there is no database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def reserve(self, claim: Claim) -> Reservation | Refusal:
        async with self._transaction() as connection:
            return await reserve(connection, claim)

    async def settle(self, request_id: UUID, *, adw_id: str, settlement: Settlement) -> BudgetWarning | None:
        async with self._transaction() as connection:
            return await settle(connection, request_id, adw_id=adw_id, settlement=settlement)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise DatabaseError("model usage could not be booked") from error


def _decide(claim: Claim, *, left: Decimal | None) -> Reservation | Refusal:
    if claim.input_usd is None or claim.output_usd_per_token is None:
        if left is None:
            return Reservation(max_tokens=claim.max_tokens, reserved_usd=None)
        return Refusal(reason="unpriced_model", remaining_usd=left)
    granted = claim.max_tokens
    if left is not None and claim.output_usd_per_token > 0:
        granted = min(granted, int((left - claim.input_usd) / claim.output_usd_per_token))
    if left is not None and (granted < min(LEAST_MAX_TOKENS, claim.max_tokens) or left < claim.input_usd):
        return Refusal(reason="budget", remaining_usd=left)
    most_usd = (claim.input_usd + granted * claim.output_usd_per_token).quantize(MICRO_USD, rounding=ROUND_CEILING)
    return Reservation(max_tokens=granted, reserved_usd=most_usd if left is None else min(most_usd, left))


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
        .returning(requests.c.reserved_usd)
    )
    return (await connection.execute(closing)).one_or_none()


def _columns_of(claim: Claim) -> dict[str, object]:
    return {
        "id": claim.id,
        "adw_id": claim.adw_id,
        "agent_run_id": claim.agent_run_id,
        "phase": claim.phase,
        "attempt": claim.attempt,
        "role": claim.role,
        "model": claim.model,
        "stream": claim.stream,
        "max_tokens": claim.max_tokens,
    }


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


def _counted(adw_id: str) -> ColumnElement[bool]:
    return (requests.c.adw_id == adw_id) & (requests.c.state != "refused")


def _usage(row: Row[*tuple[Any, ...]]) -> Usage:
    return Usage(
        requests=row.requests,
        tokens=Tokens(
            input=int(row.input),
            output=int(row.output),
            cache_write=int(row.cache_write),
            cache_read=int(row.cache_read),
        ),
        cost_usd=None if row.unknown else Decimal(row.cost_usd),
    )
