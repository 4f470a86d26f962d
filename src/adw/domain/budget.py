"""What a request to a model may cost, what it did cost, and whether a budget has room for it. Amounts: US dollars."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A request that may be sent, with at most `max_tokens` of output."""

    max_tokens: int
    reserved_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that must not be sent."""

    reason: RefusalReason
    remaining_usd: Decimal


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
    """Most of a budget is spent. Given once per budget."""

    adw_id: str
    spent_usd: Decimal
    budget_usd: Decimal


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
        return Refusal(reason="budget", remaining_usd=left)
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
