"""Budgets that workflows share, as people set them. Whoever waits for one is woken in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adw.domain.budget import Budget, BudgetScope
from adw.store import budgets
from adw.store.db import Database
from adw.store.limits import announce


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Used by every door, as `Control` is. Amounts are US dollars."""

    database: Database

    async def in_force(self, *, project_id: str | None = None) -> list[Budget]:
        """All that are set, or those that bound one project."""
        async with self.database.read() as connection:
            return await budgets.list_shared_budgets(connection, project_id=project_id)

    async def set_to(self, scope: BudgetScope, *, project_id: str | None, budget_usd: Decimal, actor: str) -> Budget:
        """Sets or changes one; what was spent before in the same period counts against it."""
        async with self.database.begin() as connection:
            found = await budgets.set_shared_budget(
                connection, scope, project_id=project_id, budget_usd=budget_usd, set_by=actor
            )
            await announce(connection)
            return found

    async def lift(self, scope: BudgetScope, *, project_id: str | None) -> None:
        """Lifts one. Raises NotFoundError when it is not set."""
        async with self.database.begin() as connection:
            await budgets.clear_shared_budget(connection, scope, project_id=project_id)
            await announce(connection)
