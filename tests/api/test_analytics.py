from __future__ import annotations

import typing
from decimal import Decimal
from uuid import uuid4

import pytest
from tests.api.stage import Stage

from adw.cli.commands import cost
from adw.client import types
from adw.domain.budget import Claim, Settlement
from adw.domain.usage import Tokens
from adw.store import usage
from adw.store.analytics import CostBy

COST = "/api/analytics/cost"


async def spend(stage: Stage, adw_id: str, *, cost_usd: Decimal | None) -> None:
    claim = Claim(
        id=uuid4(),
        adw_id=adw_id,
        agent_run_id="run",
        phase="plan",
        attempt=1,
        role="planner",
        model="m",
        stream=False,
        max_tokens=10,
        input_usd=None if cost_usd is None else Decimal("0.01"),
        output_usd_per_token=None if cost_usd is None else Decimal("0.001"),
    )
    async with stage.database.begin() as connection:
        await usage.reserve(connection, claim)
        settled = Settlement(state="settled", cost_usd=cost_usd, tokens=Tokens(input=3, cache_write=4, output=5))
        await usage.settle(connection, claim.id, adw_id=adw_id, settlement=settled)


async def test_costs_are_told_by_workflow_unless_asked_otherwise(stage: Stage):
    adw_id = (await stage.work("Fix the date")).adw_id
    await spend(stage, adw_id, cost_usd=Decimal("0.25"))
    table = (await stage.http.get(COST)).json()
    (row,) = table["rows"]
    assert (table["by"], row["key"], row["label"], row["costUsd"]) == ("workflow", adw_id, "Fix the date", 0.25)
    assert (row["inputTokens"], row["cacheWriteTokens"], row["outputTokens"]) == (7, 4, 5)
    assert table["total"] == {name: row[name] for name in table["total"]}


async def test_a_price_nobody_knows_is_null_and_never_zero(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await spend(stage, adw_id, cost_usd=Decimal("0.25"))
    await spend(stage, adw_id, cost_usd=None)
    table = (await stage.http.get(COST, params={"by": "model"})).json()
    for each in (table["total"], *table["rows"]):
        assert (each["costUsd"], each["knownUsd"], each["unpricedRequests"]) == (None, 0.25, 1)


@pytest.mark.parametrize("since", ["2099-01-01", "2099-01-01T00:00:00", "2099-01-01T00:00:00+02:00"])
async def test_only_what_was_spent_since_then_counts(stage: Stage, since: str):
    await spend(stage, (await stage.work()).adw_id, cost_usd=Decimal(1))
    table = (await stage.http.get(COST, params={"since": since})).json()
    assert table["rows"] == []
    assert (table["total"]["requests"], table["total"]["costUsd"]) == (0, 0)


@pytest.mark.parametrize("params", [{"by": "colour"}, {"since": "yesterday"}, {"limit": 0}], ids=str)
async def test_what_cannot_be_asked_is_refused(shared: Stage, params: dict[str, str]):
    assert (await shared.http.get(COST, params=params)).status_code == 422


def test_everybody_knows_the_same_measures():
    measures = {each.value for each in CostBy}
    assert measures == set(typing.get_args(types.CostBy)) == set(typing.get_args(cost.By))
