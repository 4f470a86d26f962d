"""A workflow's account: its budget, and what is spent and held of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.usage import workflow_budgets

_KEPT = workflow_budgets.c
_SEVERAL = select(_KEPT.adw_id, _KEPT.budget_usd, _KEPT.spent_usd, _KEPT.held_usd).where(
    _KEPT.adw_id == any_(bindparam("adw_ids", type_=ARRAY(Text)))
)


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
    rows = (await connection.execute(_SEVERAL, {"adw_ids": list(adw_ids)})).all()
    return {
        row.adw_id: Account(budget_usd=row.budget_usd, spent_usd=row.spent_usd, held_usd=row.held_usd) for row in rows
    }
