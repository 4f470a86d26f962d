"""Budgets that workflows share, of the client for programs with an event loop."""

from __future__ import annotations

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncBudgets(AsyncConnection):
    """Budgets of projects, and of all together where no project is named."""

    async def budgets(self, *, project: str | None = None) -> t.BudgetListDict:
        """All of them, or those that bound one project."""
        return await self.send(calls.budgets.budgets(project))

    async def set_budget(
        self, period: t.BudgetPeriod, budget_usd: calls.Money, *, project: str | None = None
    ) -> t.BudgetDict:
        return await self.send(calls.budgets.set_budget(period, budget_usd, project=project, actor=self.actor))

    async def clear_budget(self, period: t.BudgetPeriod, *, project: str | None = None) -> t.BudgetListDict:
        """Returns what remains in force."""
        return await self.send(calls.budgets.clear_budget(period, project=project))
