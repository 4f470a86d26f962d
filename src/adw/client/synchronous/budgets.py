"""Budgets that workflows share, of the client for programs without an event loop."""

from __future__ import annotations

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Budgets(Connection):
    """Budgets of projects, and of all together where no project is named."""

    def budgets(self, *, project: str | None = None) -> t.BudgetListDict:
        """All of them, or those that bound one project."""
        return self.send(calls.budgets.budgets(project))

    def set_budget(
        self, period: t.BudgetPeriod, budget_usd: calls.Money, *, project: str | None = None
    ) -> t.BudgetDict:
        return self.send(calls.budgets.set_budget(period, budget_usd, project=project, actor=self.actor))

    def clear_budget(self, period: t.BudgetPeriod, *, project: str | None = None) -> t.BudgetListDict:
        """Returns what remains in force."""
        return self.send(calls.budgets.clear_budget(period, project=project))
