"""List prices of models, and what one request costs at them.

Names are model names or prefixes of them. `name>100000` is the price of the whole request when its prompt is longer
than that many tokens; `name:fast` is the price of the fast mode, which is unknown unless somebody supplies it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from types import MappingProxyType

from adw.domain.usage import Price, Tokens, cost_of, price_for

MICRO_USD = Decimal("0.000001")
"""The smallest amount booked. Costs are rounded up to it, so that a sum of them is never below the truth."""
HOUR_CACHE_WRITE_FACTOR = 2
"""A cache entry kept for an hour costs this many times the input price to write."""
WEB_SEARCH_USD = Decimal("0.01")


def _price(input_usd: str, output_usd: str, *, cache_read_usd: str | None = None) -> Price:
    per_input = Decimal(input_usd)
    return Price(
        input_usd=per_input,
        output_usd=Decimal(output_usd),
        cache_write_usd=per_input * Decimal("1.25"),
        cache_read_usd=Decimal(cache_read_usd) if cache_read_usd else per_input * Decimal("0.1"),
    )


LIST_PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "claude-fable-5": _price("10", "50"),
        "claude-fable-5-1": _price("10", "50", cache_read_usd="0.25"),
        "claude-mythos-5": _price("10", "50"),
        "claude-mythos-5-1": _price("10", "50", cache_read_usd="0.25"),
        "claude-opus-5-5": _price("4", "20", cache_read_usd="0.20"),
        "claude-opus-5": _price("5", "25"),
        "claude-opus-4-8": _price("5", "25"),
        "claude-opus-4-7": _price("5", "25"),
        "claude-opus-4-6": _price("5", "25"),
        "claude-opus-4-5": _price("5", "25"),
        "claude-opus-4": _price("15", "75"),
        "claude-3-opus": _price("15", "75"),
        "claude-sonnet-5-5": _price("2", "10", cache_read_usd="0.10"),
        "claude-sonnet-5": _price("2", "10"),
        "claude-sonnet-4-6": _price("3", "15"),
        "claude-sonnet-4": _price("3", "15"),
        "claude-sonnet-4>200000": _price("6", "22.5"),
        "claude-sonnet-4-5": _price("3", "15"),
        "claude-sonnet-4-5>200000": _price("6", "22.5"),
        "claude-3-7-sonnet": _price("3", "15"),
        "claude-3-5-sonnet": _price("3", "15"),
        "claude-haiku-5-5": _price("0.10", "0.50"),
        "claude-haiku-5-5>100000": _price("0.50", "2.50"),
        "claude-haiku-4-5": _price("1", "5"),
        "claude-3-5-haiku": _price("0.80", "4"),
        "claude-3-haiku": _price("0.25", "1.25"),
        "scripted-": _price("3", "15"),
    }
)


def price_table(overrides: Mapping[str, Price], *, base: Mapping[str, Price] = LIST_PRICES) -> Mapping[str, Price]:
    """The list prices (or another table), with those a project supplies in their place.

    Whoever overrides a name also replaces its prices for long prompts.
    """
    kept = {name: price for name, price in base.items() if name.partition(">")[0] not in overrides}
    return MappingProxyType(kept | dict(overrides))


def price_of_request(
    model: str, *, prompt_tokens: int, prices: Mapping[str, Price], fast: bool = False
) -> Price | None:
    """The price of one request, given the length of its prompt (cached parts included); None when unknown."""
    if fast:
        return prices.get(f"{model}:fast")
    base = price_for(model, prices=prices)
    if base is None:
        return None
    name = max((name for name in prices if model.startswith(name)), key=len)
    reached = [
        (threshold, price) for threshold, price in _long_prompt_prices(name, prices=prices) if prompt_tokens > threshold
    ]
    return max(reached, key=lambda tier: tier[0])[1] if reached else base


def request_cost(tokens: Tokens, *, price: Price, hour_cache_write: int = 0, web_searches: int = 0) -> Decimal:
    """What a request cost in US dollars, rounded up to a millionth.

    `hour_cache_write` says how many of `tokens.cache_write` were written to live for an hour.
    """
    hour_usd = price.input_usd * HOUR_CACHE_WRITE_FACTOR - price.cache_write_usd
    extra = max(hour_usd, Decimal(0)) * hour_cache_write / 1_000_000 + WEB_SEARCH_USD * web_searches
    return (cost_of(tokens, price=price) + extra).quantize(MICRO_USD, rounding=ROUND_CEILING)


def _long_prompt_prices(name: str, *, prices: Mapping[str, Price]) -> list[tuple[int, Price]]:
    return [(int(key[len(name) + 1 :]), price) for key, price in prices.items() if key.startswith(f"{name}>")]
