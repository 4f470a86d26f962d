"""When money keeps an agent from going on: what the gateway refused, and what a person is asked or told then."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.budget import BudgetScope
from adw.domain.failure import FailureClass
from adw.domain.status import WaitReason
from adw.ports.engine import JsonValue
from adw.ports.gateway import GatewayVerdict
from adw.store.accounts import account_of
from adw.store.budgets import shared_budget
from adw.workflows.comments import announce_waiting
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed, Question
from adw.workflows.waiting import Wait, wait_for


async def refused_for_money(ctx: PhaseContext, run_id: str) -> JsonValue:
    """What the gateway's own record says: a budget was reached, or a model has no price and there is a budget."""
    verdict = ctx.services.gateway.verdict(run_id)
    if verdict.unpriced_model is not None:
        return {
            "outcome": "failed",
            "class": FailureClass.CONFIGURATION.value,
            "message": f"the price of model {verdict.unpriced_model!r} is unknown, so its budget cannot be kept; "
            "set it under [agents.prices] in adw.toml",
        }
    if not verdict.budget_refused:
        return None
    budget, spent = await _amounts(ctx, verdict.refused_by)
    return {
        "outcome": "budget",
        "scope": verdict.refused_by.value,
        "budget": None if budget is None else str(budget),
        "spent": str(spent),
        "needed": _needed(verdict),
    }


async def wait_for_money(ctx: PhaseContext, record: Mapping[str, Any]) -> None:
    """Asks for more where the workflow's own budget is used up; where it is a shared one, waits until it has room."""
    scope = BudgetScope(record.get("scope", BudgetScope.WORKFLOW))
    if scope is BudgetScope.WORKFLOW:
        await ctx.require(budget_question(record))
        raise PhaseFailed(FailureClass.BUDGET_EXCEEDED, "the raised budget is used up as well")
    text = _told(ctx, scope, record)
    await announce_waiting(ctx, text, key=f"{scope}:{record['budget']}")
    needed = record.get("needed")
    wait = Wait(
        reason=WaitReason.BUDGET,
        scope=scope.value,
        text=text,
        needed_usd=None if needed is None else Decimal(needed),
        data={"budgetUsd": record["budget"], "spentUsd": record["spent"]},
    )
    await wait_for(ctx, wait)


def budget_question(record: Mapping[str, Any]) -> Question:
    budget, spent = record["budget"], record["spent"]
    return Question(
        kind=ApprovalKind.BUDGET,
        key=f"budget:{budget}",
        text=f"the budget of ${budget} is reached (${spent} booked); raise it to go on?",
        reason=WaitReason.BUDGET,
        data={"budgetUsd": budget, "spentUsd": spent},
    )


async def _amounts(ctx: PhaseContext, scope: BudgetScope) -> tuple[Decimal | None, Decimal]:
    async with ctx.services.database.read() as connection:
        if scope is BudgetScope.WORKFLOW:
            account = await account_of(connection, ctx.adw_id)
            return account.budget_usd, account.booked_usd
        project = None if scope.is_global else ctx.run.project.id
        budget = await shared_budget(connection, scope, project_id=project)
    if budget is None:
        return None, Decimal(0)
    return budget.budget_usd, budget.spent_usd + budget.held_usd


def _told(ctx: PhaseContext, scope: BudgetScope, record: Mapping[str, Any]) -> str:
    whose = "--global" if scope.is_global else f"--project {ctx.run.project.id}"
    period = "--month" if scope.is_monthly else "--total"
    until = " or the next month" if scope.is_monthly else ""
    return (
        f"the {scope.words}, ${record['budget']}, has no room for the next request (${record['spent']} are booked): "
        f"waiting for a raise{until}; `adw budget set {whose} {period} USD` raises it"
    )


def _needed(verdict: GatewayVerdict) -> str | None:
    return None if verdict.needed_usd is None else str(verdict.needed_usd)
