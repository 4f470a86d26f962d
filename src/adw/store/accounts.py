"""A workflow's account: its budget, and what is spent and held of it."""

from __future__ import annotations

from collections.abc import Sequence
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
    return (await accounts_of(connection, [adw_id])).get(adw_id, Account())


async def accounts_of(connection: AsyncConnection, adw_ids: Sequence[str]) -> dict[str, Account]:
    """Those that there are."""
    kept = workflow_budgets.c
    query = select(kept.adw_id, kept.budget_usd, kept.spent_usd, kept.held_usd).where(kept.adw_id.in_(adw_ids))
    rows = (await connection.execute(query)).all()
    return {
        row.adw_id: Account(budget_usd=row.budget_usd, spent_usd=row.spent_usd, held_usd=row.held_usd) for row in rows
    }
