from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.usage import Price, Tokens, Usage, cost_of, price_for

COUNT = st.integers(0, 10**9)
TOKENS = st.builds(Tokens, input=COUNT, output=COUNT, cache_write=COUNT, cache_read=COUNT)
MONEY = st.decimals(0, 1000, places=6)
USAGE = st.builds(Usage, requests=COUNT, tokens=TOKENS, cost_usd=st.none() | MONEY)
PRICE = Price(
    input_usd=Decimal(3), output_usd=Decimal(15), cache_write_usd=Decimal("3.75"), cache_read_usd=Decimal("0.3")
)


@given(USAGE, USAGE, USAGE)
def test_usages_add_up_in_any_order(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a


@given(USAGE, MONEY)
def test_an_unknown_cost_stays_unknown(usage, cost):
    assert (usage + Usage(cost_usd=None)).cost_usd is None
    assert (Usage(cost_usd=cost) + Usage(cost_usd=cost)).cost_usd == 2 * cost


@given(TOKENS, TOKENS)
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(a, b):
    assert cost_of(a + b, price=PRICE) == cost_of(a, price=PRICE) + cost_of(b, price=PRICE)


def test_a_million_tokens_of_each_cost_what_the_list_says():
    million = 1_000_000
    tokens = Tokens(input=million, output=million, cache_write=million, cache_read=million)
    assert cost_of(tokens, price=PRICE) == Decimal("22.05")
    assert cost_of(Tokens(input=1), price=PRICE) == Decimal("0.000003")


@pytest.mark.parametrize(
    ("model", "found"), [("a-1", "a-1"), ("a-1-20260101", "a-1"), ("a-2", "a"), ("b", None), ("", None)]
)
def test_a_model_is_priced_by_its_name_or_the_longest_listed_beginning(model, found):
    prices = {name: Price(**{field: Decimal(n) for field in Price.__slots__}) for n, name in enumerate(("a", "a-1"))}
    assert price_for(model, prices=prices) == (None if found is None else prices[found])
