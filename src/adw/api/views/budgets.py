"""Budgets that workflows share, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from adw.api.wire import Money, Wire
from adw.domain.budget import Budget


class BudgetView(Wire):
    """One budget as it stands."""

    project_id: str | None = Field(description="null: of all projects together")
    period: Literal["month", "total"]
    budget_usd: Money
    spent_usd: Money
    held_usd: Money = Field(description="Reserved by requests under way")
    left_usd: Money
    period_start: datetime | None = Field(description="When the month began; null for a total")
    set_by: str | None = Field(description="null: the project's adw.toml")
    warned: bool = Field(description="Whether four fifths of it were spent")


class BudgetList(Wire):
    """The global ones first."""

    budgets: tuple[BudgetView, ...]


def budget_view(budget: Budget) -> BudgetView:
    return BudgetView(
        project_id=budget.project_id,
        period="month" if budget.scope.is_monthly else "total",
        budget_usd=budget.budget_usd,
        spent_usd=budget.spent_usd,
        held_usd=budget.held_usd,
        left_usd=budget.left_usd,
        period_start=budget.period_start,
        set_by=budget.set_by,
        warned=budget.warned,
    )
