"""Tables of what models cost."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from adw.api.wire import Money, Wire
from adw.store.analytics import CostBy, CostGroup


class CostTotals(Wire):
    """Requests to models, their tokens and what they cost. Input tokens include those of a cache."""

    workflows: int
    requests: int
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int
    cost_usd: Money | None = Field(description="Null when the price of any of them is unknown")
    known_usd: Money = Field(description="Of those whose price is known")
    unpriced_requests: int
    inexact_requests: int = Field(description="Booked without a final word from the model's side")


class CostRow(CostTotals):
    """One group."""

    key: str | None = Field(description="Null for what belongs to no workflow")
    label: str | None = Field(description="What a person calls it: a workflow's title, a project's name")


class CostTable(Wire):
    """The dearest groups first; days in their order."""

    by: CostBy
    since: datetime | None
    rows: tuple[CostRow, ...]
    total: CostTotals = Field(description="Of everything, also of groups beyond `limit`")


def cost_row(group: CostGroup) -> CostRow:
    return CostRow(key=group.key, label=group.label, **dict(cost_totals(group)))


def cost_totals(group: CostGroup) -> CostTotals:
    tokens = group.usage.tokens
    return CostTotals(
        workflows=group.workflows,
        requests=group.usage.requests,
        input_tokens=tokens.input + tokens.cache_write + tokens.cache_read,
        output_tokens=tokens.output,
        cache_write_tokens=tokens.cache_write,
        cache_read_tokens=tokens.cache_read,
        cost_usd=group.usage.cost_usd,
        known_usd=group.known_usd,
        unpriced_requests=group.unpriced,
        inexact_requests=group.inexact,
    )
