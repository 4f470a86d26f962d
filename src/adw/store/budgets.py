"""Budgets that workflows share: of a project or of everything, in total or for the calendar month.

Whoever books a request locks these rows first, in the order of their ids, and the workflow's own account after them.
A budget is set while nobody books (`_while_nobody_books`), so what was spent before it is counted exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.budget import WARN_AT, Budget, BudgetScope, BudgetWarning, Room
from adw.kit.errors import NotFoundError
from adw.store.tables.budgets import budgets
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.workflows import workflows

MONTH = func.date_trunc("month", func.clock_timestamp(), "UTC")
"""When the present month began, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The budgets that bound a workflow, locked until the transaction ends, and the month as it was after that."""

    rows: Sequence[Row[*tuple[Any, ...]]] = ()
    month: datetime | None = None

    @property
    def rooms(self) -> list[Room]:
        """What each of them still allows this month."""
        return [self._room(row) for row in self.rows]

    def _room(self, row: Row[*tuple[Any, ...]]) -> Room:
        spent, held = (Decimal(0), Decimal(0)) if self._is_over(row) else (row.spent_usd, row.held_usd)
        return Room(scope=scope_of(row), left_usd=row.budget_usd - spent - held, held_usd=held)

    def _is_over(self, row: Row[*tuple[Any, ...]]) -> bool:
        return row.period_start is not None and row.period_start != self.month


async def lock_shared(connection: AsyncConnection, adw_id: str) -> Shared:
    """Called before anything else of the books is touched."""
    owner = select(workflows.c.project_id).where(workflows.c.adw_id == adw_id).scalar_subquery()
    bounding = or_(budgets.c.project_id.is_(None), budgets.c.project_id == owner)
    rows = (await connection.execute(select(budgets).where(bounding).order_by(budgets.c.id).with_for_update())).all()
    if not rows:
        return Shared()
    return Shared(rows=rows, month=(await connection.execute(select(MONTH))).scalar_one())


async def has_room(connection: AsyncConnection, adw_id: str, *, needed_usd: Decimal) -> bool:
    """Whether all shared budgets of a workflow allow so much now. A look only: nothing is locked."""
    owner = select(workflows.c.project_id).where(workflows.c.adw_id == adw_id).scalar_subquery()
    bounding = or_(budgets.c.project_id.is_(None), budgets.c.project_id == owner)
    rows = (await connection.execute(select(budgets).where(bounding))).all()
    month = await _month(connection)
    return all(_budget(row, month=month).left_usd >= needed_usd for row in rows)


async def hold(connection: AsyncConnection, shared: Shared, *, usd: Decimal) -> None:
    """Takes an amount off all of them. A budget of a month that is over begins anew."""
    ids = [row.id for row in shared.rows]
    if not ids:
        return
    over = and_(budgets.c.id.in_(ids), budgets.c.period == "month", budgets.c.period_start != shared.month)
    anew = {"spent_usd": 0, "held_usd": 0, "warned_at": None, "period_start": shared.month}
    await connection.execute(update(budgets).where(over).values(**anew))
    held = {"held_usd": budgets.c.held_usd + usd}
    await connection.execute(update(budgets).where(budgets.c.id.in_(ids)).values(**held))


async def book(
    connection: AsyncConnection,
    shared: Shared,
    *,
    adw_id: str,
    month: datetime,
    reserved_usd: Decimal,
    cost_usd: Decimal,
) -> list[BudgetWarning]:
    """Replaces what was held by what it cost, in every budget that the request's month (of its start) belongs to."""
    warnings: list[BudgetWarning] = []
    for row in shared.rows:
        if row.period_start is not None and row.period_start != month:
            continue
        spent = row.spent_usd + cost_usd
        warn = row.warned_at is None and spent >= row.budget_usd * WARN_AT
        values: dict[str, Any] = {"spent_usd": spent, "held_usd": budgets.c.held_usd - reserved_usd}
        if warn:
            values["warned_at"] = func.clock_timestamp()
            warnings.append(
                BudgetWarning(adw_id=adw_id, spent_usd=spent, budget_usd=row.budget_usd, scope=scope_of(row))
            )
        await connection.execute(update(budgets).where(budgets.c.id == row.id).values(**values))
    return warnings


async def book_in_full(
    connection: AsyncConnection, shared: Shared, amounts: Sequence[tuple[datetime, Decimal]]
) -> None:
    """Turns what was held into cost, each amount with the month in which it was reserved."""
    for row in shared.rows:
        known = [usd for month, usd in amounts if row.period_start is None or row.period_start == month]
        usd = sum(known, Decimal(0))
        values = {"spent_usd": budgets.c.spent_usd + usd, "held_usd": budgets.c.held_usd - usd}
        await connection.execute(update(budgets).where(budgets.c.id == row.id).values(**values))


async def set_shared_budget(
    connection: AsyncConnection, scope: BudgetScope, *, project_id: str | None, budget_usd: Decimal, set_by: str | None
) -> Budget:
    """Sets a budget of these scopes. What was spent before, in the same period, counts against it."""
    await _while_nobody_books(connection)
    now: Any = (await connection.execute(_one(scope, project_id))).one_or_none()
    values = {"budget_usd": budget_usd, "set_by": set_by, "warned_at": None, "updated_at": func.clock_timestamp()}
    if now is not None:
        await connection.execute(update(budgets).where(budgets.c.id == now.id).values(**values))
    else:
        start = (await connection.execute(select(MONTH))).scalar_one() if scope.is_monthly else None
        booked = (await connection.execute(_booked(project_id, since=start))).one()
        values |= {"spent_usd": booked.spent, "held_usd": booked.held, "period_start": start}
        period = "month" if scope.is_monthly else "total"
        await connection.execute(insert(budgets).values(project_id=project_id, period=period, **values))
    return _budget((await connection.execute(_one(scope, project_id))).one(), month=await _month(connection))


async def clear_shared_budget(connection: AsyncConnection, scope: BudgetScope, *, project_id: str | None) -> None:
    """Lifts a limit. Raises NotFoundError when there is none."""
    await _while_nobody_books(connection)
    found = (await connection.execute(_one(scope, project_id))).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no {scope.words}", hint="see `adw budget list`")
    await connection.execute(delete(budgets).where(budgets.c.id == found.id))


async def follow_file(connection: AsyncConnection, project_id: str, *, month_usd: Decimal | None) -> None:
    """Takes over what the project's `adw.toml` says of its month, unless a person has set that budget."""
    scope = BudgetScope.PROJECT_MONTH
    known = (await connection.execute(_one(scope, project_id))).one_or_none()
    if known is not None and (known.set_by is not None or known.budget_usd == month_usd):
        return
    if month_usd is not None:
        await set_shared_budget(connection, scope, project_id=project_id, budget_usd=month_usd, set_by=None)
    elif known is not None:
        await clear_shared_budget(connection, scope, project_id=project_id)


async def list_shared_budgets(connection: AsyncConnection, *, project_id: str | None = None) -> list[Budget]:
    """All there are, or those that bound one project; the global ones first."""
    query = select(budgets).order_by(budgets.c.project_id.nulls_first(), budgets.c.period)
    if project_id is not None:
        query = query.where(or_(budgets.c.project_id.is_(None), budgets.c.project_id == project_id))
    month = await _month(connection)
    return [_budget(row, month=month) for row in (await connection.execute(query)).all()]


async def shared_budget(connection: AsyncConnection, scope: BudgetScope, *, project_id: str | None) -> Budget | None:
    """One of them as it stands now; None when it is not set."""
    row = (await connection.execute(_one(scope, project_id))).one_or_none()
    return None if row is None else _budget(row, month=await _month(connection))


def scope_of(row: Row[*tuple[Any, ...]]) -> BudgetScope:
    if row.project_id is None:
        return BudgetScope.GLOBAL_MONTH if row.period == "month" else BudgetScope.GLOBAL_TOTAL
    return BudgetScope.PROJECT_MONTH if row.period == "month" else BudgetScope.PROJECT_TOTAL


async def _while_nobody_books(connection: AsyncConnection) -> None:
    """Waits until no transaction has these rows locked, and keeps new ones waiting until this one has ended."""
    await connection.execute(text("LOCK TABLE budgets IN EXCLUSIVE MODE"))


def _one(scope: BudgetScope, project_id: str | None) -> Select[*tuple[Any, ...]]:
    whose = budgets.c.project_id.is_(None) if scope.is_global else budgets.c.project_id == project_id
    return select(budgets).where(whose, budgets.c.period == ("month" if scope.is_monthly else "total"))


def _booked(project_id: str | None, *, since: datetime | None) -> Select[*tuple[Any, ...]]:
    is_open = requests.c.state == "reserved"
    query = select(
        func.coalesce(func.sum(requests.c.cost_usd).filter(~is_open), 0).label("spent"),
        func.coalesce(func.sum(requests.c.reserved_usd).filter(is_open), 0).label("held"),
    )
    if project_id is not None:
        query = query.join(workflows, workflows.c.adw_id == requests.c.adw_id)
        query = query.where(workflows.c.project_id == project_id)
    return query if since is None else query.where(requests.c.started_at >= since)


def _budget(row: Row[*tuple[Any, ...]], *, month: datetime) -> Budget:
    is_over = row.period_start is not None and row.period_start != month
    return Budget(
        scope=scope_of(row),
        project_id=row.project_id,
        budget_usd=row.budget_usd,
        spent_usd=Decimal(0) if is_over else row.spent_usd,
        held_usd=Decimal(0) if is_over else row.held_usd,
        period_start=month if row.period_start is not None else None,
        set_by=row.set_by,
        warned=row.warned_at is not None and not is_over,
    )


async def _month(connection: AsyncConnection) -> datetime:
    return (await connection.execute(select(MONTH))).scalar_one()
