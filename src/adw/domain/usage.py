"""Tokens and money. Prices are US dollars per million tokens; cost is exact decimal arithmetic, never a float sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """List price of a model, in US dollars per million tokens."""

    input_usd: Decimal
    output_usd: Decimal
    cache_write_usd: Decimal
    cache_read_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one request, or a sum of them."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_write=self.cache_write + other.cache_write,
            cache_read=self.cache_read + other.cache_read,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a conversation, phase or workflow used. `cost_usd` is None when a price is unknown."""

    requests: int = 0
    tokens: Tokens = Tokens()
    cost_usd: Decimal | None = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            requests=self.requests + other.requests,
            tokens=self.tokens + other.tokens,
            cost_usd=(self.cost_usd or Decimal(0)) + (other.cost_usd or Decimal(0)) if known else None,
        )


def cost_of(tokens: Tokens, *, price: Price) -> Decimal:
    """What these tokens cost at list price, in US dollars."""
    return (
        tokens.input * price.input_usd
        + tokens.output * price.output_usd
        + tokens.cache_write * price.cache_write_usd
        + tokens.cache_read * price.cache_read_usd
    ) / _MILLION


def price_for(model: str, *, prices: Mapping[str, Price]) -> Price | None:
    """The price of a model by its exact name, else by the longest listed prefix; None when unknown."""
    if model in prices:
        return prices[model]
    prefixes = [name for name in prices if model.startswith(name)]
    return prices[max(prefixes, key=len)] if prefixes else None
