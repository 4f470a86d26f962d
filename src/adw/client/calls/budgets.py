"""Calls about budgets that workflows share."""

from __future__ import annotations

from adw.client import types as t
from adw.client.calls.call import Call, Money, usd


def budgets(project: str | None) -> Call[t.BudgetListDict]:
    return Call(method="GET", path="/api/budgets", params={"project": project})


def set_budget(period: t.BudgetPeriod, budget_usd: Money, *, project: str | None, actor: str) -> Call[t.BudgetDict]:
    body = {"budgetUsd": usd(budget_usd), "actor": actor}
    return Call(method="PUT", path=f"/api/budgets/{period}", params={"project": project}, body=body)


def clear_budget(period: t.BudgetPeriod, *, project: str | None) -> Call[t.BudgetListDict]:
    return Call(method="DELETE", path=f"/api/budgets/{period}", params={"project": project})
