"""A workflow's account: its budget, and what is spent and held of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.usage import workflow_budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """US dollars. `held_usd` is reserved by requests under way."""

    budget_usd: Decimal | None = None
    spent_usd: Decimal = Decimal(0)
    held_usd: Decimal = Decimal(0)

    @property
    def booked_usd(self) -> Decimal:
        return self.spent_usd + self.held_usd


async def account_of(connection: AsyncConnection, adw_id: str) -> Account:
    """The account as it stands; an empty one for a workflow that has none yet."""
    query = select(workflow_budgets).where(workflow_budgets.c.adw_id == adw_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return Account()
    return Account(budget_usd=row["budget_usd"], spent_usd=row["spent_usd"], held_usd=row["held_usd"])
