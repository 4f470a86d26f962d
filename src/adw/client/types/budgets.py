"""Budgets that workflows share, as the server tells them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Literal, TypedDict

BudgetPeriod = Literal["month", "total"]


class BudgetDict(TypedDict):
    projectId: str | None
    period: BudgetPeriod
    budgetUsd: float
    spentUsd: float
    heldUsd: float
    leftUsd: float
    periodStart: str | None
    setBy: str | None
    warned: bool


class BudgetListDict(TypedDict):
    budgets: list[BudgetDict]
