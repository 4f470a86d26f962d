"""When money keeps an agent from going on: what the gateway refused, and what a person is asked then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.failure import FailureClass
from adw.domain.status import WaitReason
from adw.ports.engine import JsonValue
from adw.store.accounts import account_of
from adw.workflows.context import PhaseContext
from adw.workflows.endings import Question


async def refused_for_money(ctx: PhaseContext, run_id: str) -> JsonValue:
    """What the gateway's own record says: the budget was reached, or a model has no price and there is a budget."""
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
    async with ctx.services.database.read() as connection:
        account = await account_of(connection, ctx.adw_id)
    return {"outcome": "budget", "budget": str(account.budget_usd), "spent": str(account.booked_usd)}


def budget_question(record: Mapping[str, Any]) -> Question:
    budget, spent = record["budget"], record["spent"]
    return Question(
        kind=ApprovalKind.BUDGET,
        key=f"budget:{budget}",
        text=f"the budget of ${budget} is reached (${spent} booked); raise it to go on?",
        reason=WaitReason.BUDGET,
        data={"budgetUsd": budget, "spentUsd": spent},
    )
