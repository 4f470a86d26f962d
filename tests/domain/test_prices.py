from __future__ import annotations

from decimal import Decimal

import pytest

from adw.domain.prices import LIST_PRICES, price_of_request, price_table, request_cost
from adw.domain.usage import Price, Tokens


def usd(text: str) -> Decimal:
    return Decimal(text)


OWN = Price(input_usd=usd("7"), output_usd=usd("8"), cache_write_usd=usd("9"), cache_read_usd=usd("1"))


@pytest.mark.parametrize(
    ("model", "input_usd", "output_usd", "cache_read_usd"),
    [
        ("claude-opus-4-20250514", "15", "75", "1.5"),
        ("claude-opus-4-1-20250805", "15", "75", "1.5"),
        ("claude-opus-4-5-20251101", "5", "25", "0.5"),
        ("claude-opus-4-8", "5", "25", "0.5"),
        ("claude-opus-5", "5", "25", "0.5"),
        ("claude-opus-5-5", "4", "20", "0.2"),
        ("claude-sonnet-4-20250514", "3", "15", "0.3"),
        ("claude-sonnet-4-5-20250929", "3", "15", "0.3"),
        ("claude-sonnet-4-6", "3", "15", "0.3"),
        ("claude-sonnet-5", "2", "10", "0.2"),
        ("claude-sonnet-5-5", "2", "10", "0.1"),
        ("claude-haiku-4-5-20251001", "1", "5", "0.1"),
        ("claude-haiku-5-5", "0.1", "0.5", "0.01"),
        ("claude-fable-5-1", "10", "50", "0.25"),
        ("scripted-model", "3", "15", "0.3"),
    ],
)
def test_models_are_priced_by_family(model, input_usd, output_usd, cache_read_usd):
    price = price_of_request(model, prompt_tokens=1000, prices=LIST_PRICES)

    assert price == Price(
        input_usd=usd(input_usd),
        output_usd=usd(output_usd),
        cache_write_usd=usd(input_usd) * usd("1.25"),
        cache_read_usd=usd(cache_read_usd),
    )


@pytest.mark.parametrize("model", ["", "gpt-x", "claude-", "claude-opus-9", "claude-sonnet"])
def test_a_model_that_is_not_listed_has_no_price(model):
    assert price_of_request(model, prompt_tokens=1, prices=LIST_PRICES) is None


@pytest.mark.parametrize(("prompt", "expected"), [(100_000, "0.5"), (100_001, "2.5")])
def test_a_long_prompt_changes_the_price_of_the_whole_request(prompt, expected):
    price = price_of_request("claude-haiku-5-5", prompt_tokens=prompt, prices=LIST_PRICES)

    assert price is not None
    assert price.output_usd == usd(expected)


def test_a_supplied_price_replaces_the_listed_one_and_its_price_for_long_prompts():
    prices = price_table({"claude-haiku-5-5": OWN, "house-model": OWN})

    assert price_of_request("claude-haiku-5-5", prompt_tokens=500_000, prices=prices) == OWN
    assert price_of_request("house-model-2", prompt_tokens=1, prices=prices) == OWN
    assert price_of_request("claude-opus-5", prompt_tokens=1, prices=prices) == LIST_PRICES["claude-opus-5"]


def test_the_fast_mode_has_a_price_only_where_one_is_supplied():
    prices = price_table({"claude-opus-5:fast": OWN})

    assert price_of_request("claude-opus-5", prompt_tokens=1, prices=LIST_PRICES, fast=True) is None
    assert price_of_request("claude-opus-5", prompt_tokens=1, prices=prices, fast=True) == OWN


def test_a_cost_is_rounded_up_to_a_millionth():
    price = LIST_PRICES["claude-haiku-5-5"]

    assert request_cost(Tokens(cache_read=1), price=price) == usd("0.000001")
    assert request_cost(Tokens(), price=price) == 0
    assert request_cost(Tokens(output=2), price=price) == usd("0.000001")


def test_an_hour_in_the_cache_costs_twice_the_input():
    price = LIST_PRICES["claude-opus-5"]

    assert request_cost(Tokens(cache_write=1000), price=price) == usd("0.00625")
    assert request_cost(Tokens(cache_write=1000), price=price, hour_cache_write=1000) == usd("0.01")
    assert request_cost(Tokens(), price=price, web_searches=3) == usd("0.03")
