"""What a request to a model may cost, what it did cost, and whether a budget has room for it. Amounts: US dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

from adw.domain.prices import MICRO_USD
from adw.domain.usage import Tokens

LEAST_MAX_TOKENS = 1024
"""An answer that may not even be this long is not worth paying its prompt for."""
WARN_AT = Decimal("0.8")
"""The part of a budget whose spending people are told of."""

NO_TOKENS = Tokens()

RefusalReason = Literal["budget", "unpriced_model"]


class BudgetScope(StrEnum):
    """Whose money a budget bounds, and whether it begins anew with each calendar month in UTC."""

    WORKFLOW = "workflow"
    PROJECT_MONTH = "project_month"
    PROJECT_TOTAL = "project_total"
    GLOBAL_MONTH = "global_month"
    GLOBAL_TOTAL = "global_total"

    @property
    def is_monthly(self) -> bool:
        return self in {BudgetScope.PROJECT_MONTH, BudgetScope.GLOBAL_MONTH}

    @property
    def is_global(self) -> bool:
        return self in {BudgetScope.GLOBAL_MONTH, BudgetScope.GLOBAL_TOTAL}

    @property
    def words(self) -> str:
        """As people call it, to be put after "the"."""
        return _SCOPE_WORDS[self]


_SCOPE_WORDS = {
    BudgetScope.WORKFLOW: "budget of this workflow",
    BudgetScope.PROJECT_MONTH: "project's budget of this month",
    BudgetScope.PROJECT_TOTAL: "project's total budget",
    BudgetScope.GLOBAL_MONTH: "budget of this month for all projects",
    BudgetScope.GLOBAL_TOTAL: "total budget for all projects",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A budget that several workflows share, as it stands. `held_usd` is reserved by requests under way."""

    scope: BudgetScope
    project_id: str | None
    budget_usd: Decimal
    spent_usd: Decimal = Decimal(0)
    held_usd: Decimal = Decimal(0)
    period_start: datetime | None = None
    """When the month began that the amounts belong to; None for a total."""
    set_by: str | None = None
    """Who set it; None when it comes from the project's `adw.toml`."""
    warned: bool = False

    @property
    def left_usd(self) -> Decimal:
        return self.budget_usd - self.spent_usd - self.held_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request about to be sent. Its amounts are upper bounds in US dollars, or None when the model has no price."""

    id: UUID
    adw_id: str
    agent_run_id: str
    phase: str
    attempt: int
    role: str
    model: str
    stream: bool
    max_tokens: int
    input_usd: Decimal | None
    output_usd_per_token: Decimal | None
    budget_usd: Decimal | None = None
    """The budget to hold if the workflow's account does not have one yet."""
    asked_model: str | None = None
    """The model the agent asked for, where another one takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A request that may be sent, with at most `max_tokens` of output."""

    max_tokens: int
    reserved_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that must not be sent, and the budget that has no room for it."""

    reason: RefusalReason
    remaining_usd: Decimal
    scope: BudgetScope = BudgetScope.WORKFLOW
    needed_usd: Decimal | None = None
    """The least that would do: the prompt and the shortest answer that is worth it."""
    held_usd: Decimal = Decimal(0)
    """What requests under way have reserved of that budget."""

    @property
    def may_pass(self) -> bool:
        """Whether there may be room as soon as requests of other workflows have ended: they rarely take all of it."""
        if self.scope is BudgetScope.WORKFLOW or self.needed_usd is None:
            return False
        return self.remaining_usd + self.held_usd >= self.needed_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a request ended. `cost_usd` is None when the model has no price; `inexact` marks estimates."""

    state: Literal["settled", "failed"]
    tokens: Tokens = NO_TOKENS
    cost_usd: Decimal | None = Decimal(0)
    inexact: bool = False
    status: int | None = None
    latency_ms: int | None = None
    first_byte_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWarning:
    """Most of a budget is spent. Given once per budget and period, to the workflow that crossed the mark."""

    adw_id: str
    spent_usd: Decimal
    budget_usd: Decimal
    scope: BudgetScope = BudgetScope.WORKFLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one of the budgets in force still allows; None without a limit."""

    scope: BudgetScope
    left_usd: Decimal | None
    held_usd: Decimal = Decimal(0)


def decide_within(claim: Claim, rooms: Sequence[Room]) -> Reservation | Refusal:
    """What all budgets together allow. A refusal names the tightest; of equals, the first."""
    bounded = [room for room in rooms if room.left_usd is not None]
    tightest = min(bounded, key=_left, default=Room(scope=BudgetScope.WORKFLOW, left_usd=None))
    answer = decide(claim, left=tightest.left_usd)
    if isinstance(answer, Refusal):
        return replace(answer, scope=tightest.scope, held_usd=tightest.held_usd)
    return answer


def decide(claim: Claim, *, left: Decimal | None) -> Reservation | Refusal:
    """What the remainder of a budget allows: the request, the request with a shorter answer, or nothing."""
    if claim.input_usd is None or claim.output_usd_per_token is None:
        if left is None:
            return Reservation(max_tokens=claim.max_tokens, reserved_usd=None)
        return Refusal(reason="unpriced_model", remaining_usd=left)
    granted = claim.max_tokens
    if left is not None and claim.output_usd_per_token > 0:
        granted = min(granted, int((left - claim.input_usd) / claim.output_usd_per_token))
    if left is not None and (granted < min(LEAST_MAX_TOKENS, claim.max_tokens) or left < claim.input_usd):
        least = most_for(claim, max_tokens=min(LEAST_MAX_TOKENS, claim.max_tokens))
        return Refusal(reason="budget", remaining_usd=left, needed_usd=least)
    most_usd = most_for(claim, max_tokens=granted)
    return Reservation(
        max_tokens=granted, reserved_usd=most_usd if left is None or most_usd is None else min(most_usd, left)
    )


def most_for(claim: Claim, *, max_tokens: int) -> Decimal | None:
    """What the request costs if its answer takes all of `max_tokens`; None when the model has no price."""
    if claim.input_usd is None or claim.output_usd_per_token is None:
        return None
    most_usd = claim.input_usd + max_tokens * claim.output_usd_per_token
    return most_usd.quantize(MICRO_USD, rounding=ROUND_CEILING)


def _left(room: Room) -> Decimal:
    return Decimal("Infinity") if room.left_usd is None else room.left_usd
