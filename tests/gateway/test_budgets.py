from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from adw.domain.budget import BudgetScope
from adw.domain.prices import price_table
from adw.domain.usage import Price
from adw.kit.errors import DatabaseError
from adw.store.budgets import set_shared_budget
from adw.store.usage import raise_budget


async def test_parallel_requests_on_one_budget_never_exceed_it(rig, model_api, sse):
    """Each wants 0.15 USD of output at most, takes all it is granted, and one dollar is there."""
    gate = asyncio.Event()

    async def spend_all(seen, writer):
        granted = seen.document["max_tokens"]
        await model_api.streamed([sse.start(input_tokens=20), b"", sse.end(output_tokens=granted)], gate=gate)(
            seen, writer
        )

    model_api.answer = spend_all
    await rig.budget("1")
    asking = [asyncio.create_task(rig.ask(max_tokens=10_000)) for _ in range(16)]

    async def all_decided():
        return len(await rig.rows()) == 16

    await rig.eventually(all_decided)
    assert (await rig.account()).held_usd <= 1
    gate.set()
    answers = await asyncio.gather(*asking)

    account, rows = await rig.account(), await rig.settled(16)
    assert account.spent_usd == sum(row.cost_usd for row in rows)
    assert Decimal("0.9") < account.spent_usd <= 1
    assert account.held_usd == 0
    assert {answer.status_code for answer in answers} == {200, 403}
    assert len(model_api.seen) == sum(answer.status_code == 200 for answer in answers)


async def test_the_longest_affordable_answer_is_asked_for(rig, model_api):
    await rig.budget("0.05")

    assert (await rig.ask(max_tokens=64_000)).status_code == 200

    [seen] = model_api.seen
    assert 1024 <= seen.document["max_tokens"] <= 0.05 / 15 * 1_000_000
    assert seen.document == rig.question(max_tokens=seen.document["max_tokens"])
    [row] = await rig.settled()
    assert row.max_tokens == seen.document["max_tokens"]
    assert row.reserved_usd <= Decimal("0.05")
    assert rig.gateway.verdict("run-1").output_lowered


async def test_a_request_that_is_affordable_is_left_alone(rig, model_api):
    await rig.budget("10")

    await rig.ask(max_tokens=64_000)

    assert model_api.seen[0].document == rig.question(max_tokens=64_000)
    assert not rig.gateway.verdict("run-1").output_lowered


async def test_a_request_without_room_for_a_useful_answer_is_refused_for_good(rig, model_api):
    await rig.budget("0.015")

    answer = await rig.ask(max_tokens=64_000)

    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "permission_error"
    assert model_api.seen == []
    [row] = await rig.rows()
    assert (row.state, row.refusal, row.cost_usd) == ("refused", "budget", 0)
    verdict = rig.gateway.verdict("run-1")
    assert (verdict.budget_refused, verdict.last_status, verdict.usage.requests) == (True, 403, 0)
    assert (await rig.account()).held_usd == 0


async def test_a_short_answer_is_not_refused_for_being_short(rig, model_api):
    await rig.budget("0.015")

    assert (await rig.ask(max_tokens=300)).status_code == 200
    assert model_api.seen[0].document["max_tokens"] == 300


async def test_after_a_raise_the_run_is_admitted_again_with_a_clean_record(rig, engine):
    await rig.budget("0.001")
    assert (await rig.ask()).status_code == 403

    async with engine.begin() as connection:
        await raise_budget(connection, rig.adw_id, to_usd=Decimal(1))
    rig.token = rig.gateway.admit(rig.grant())

    assert not rig.gateway.verdict("run-1").budget_refused
    assert (await rig.ask()).status_code == 200


async def test_the_budget_of_the_grant_holds_where_the_account_has_none(rig):
    rig.token = rig.gateway.admit(rig.grant(budget_usd=Decimal("0.001")))

    assert (await rig.ask()).status_code == 403
    assert (await rig.account()).budget_usd == Decimal("0.001")


async def test_an_unpriced_model_runs_without_a_budget_and_its_cost_stays_unknown(rig, model_api, capfd):
    for _ in range(2):
        assert (await rig.ask(model="strange-model")).status_code == 200

    rows = await rig.settled(2)
    assert [(row.cost_usd, row.reserved_usd, row.input_tokens) for row in rows] == [(None, None, 1000)] * 2
    verdict = rig.gateway.verdict("run-1")
    assert verdict.usage.cost_usd is None
    assert verdict.usage.tokens.output == 400
    assert verdict.unpriced_model is None
    told = capfd.readouterr()
    assert (told.out + told.err).count("unpriced_model") == 1


async def test_an_unpriced_model_is_refused_before_its_first_request_when_there_is_a_budget(rig, model_api):
    await rig.budget("100")

    answer = await rig.ask(model="strange-model")

    assert answer.status_code == 403
    assert "strange-model" in answer.json()["error"]["message"]
    assert model_api.seen == []
    verdict = rig.gateway.verdict("run-1")
    assert (verdict.budget_refused, verdict.unpriced_model) == (False, "strange-model")
    [row] = await rig.rows()
    assert row.refusal == "unpriced_model"


async def test_a_price_supplied_by_the_project_makes_a_model_known(rig_of, model_api):
    one = Decimal(1)
    own = {"strange-": Price(input_usd=one, output_usd=one, cache_write_usd=one, cache_read_usd=one)}
    async with rig_of(prices=price_table(own)) as rig:
        await rig.budget("1")
        assert (await rig.ask(model="strange-model")).status_code == 200
        [row] = await rig.settled()

    assert row.cost_usd == Decimal("0.0012")


async def test_the_warning_comes_once_when_four_fifths_are_spent(rig, model_api, sse):
    await rig.budget("0.05")
    model_api.streams([sse.start(input_tokens=0), sse.end(output_tokens=1000)])  # 0.015 USD each

    for _ in range(2):
        await rig.ask(max_tokens=1030)
    assert rig.warnings == []
    for _ in range(3):
        await rig.ask(max_tokens=300)

    [warning] = rig.warnings
    assert (warning.adw_id, warning.spent_usd, warning.budget_usd) == (rig.adw_id, Decimal("0.045"), Decimal("0.05"))


async def test_a_warning_that_cannot_be_passed_on_does_not_break_the_answer(rig_of):
    async def fail(_warning):
        raise DatabaseError

    async with rig_of(on_budget_warning=fail) as rig:
        await rig.budget("0.007")
        assert (await rig.ask(max_tokens=300)).status_code == 200


@pytest.mark.parametrize(
    ("usage", "cost_usd"),
    [
        ({"cache_creation_input_tokens": 1000}, "0.00975"),
        ({"cache_read_input_tokens": 1000}, "0.0063"),
        ({"cache_creation_input_tokens": 1000, "cache_creation": {"ephemeral_1h_input_tokens": 1000}}, "0.012"),
        ({"server_tool_use": {"web_search_requests": 2}}, "0.026"),
    ],
)
async def test_cached_and_searched_tokens_have_their_own_prices(rig, model_api, sse, usage, cost_usd):
    model_api.streams([sse.start(**usage), sse.end()])

    await rig.ask()

    [row] = await rig.settled()
    assert (row.cost_usd, row.inexact) == (Decimal(cost_usd), False)


async def test_the_books_are_closed_when_the_agent_can_know_that_its_answer_is_complete(rig, model_api, sse):
    """Otherwise its next request could be refused for money that was never spent."""
    await rig.budget("0.2")
    model_api.streams(sse.answer(), stall=True)

    async with rig.client.stream("POST", "/v1/messages", headers=rig.headers, json=rig.question()) as answer:
        seen = b""
        async for piece in answer.aiter_raw():
            seen += piece
            if b"message_stop" in seen:
                break
        assert [row.state for row in await rig.rows()] == ["settled"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_that_may_have_arrived_is_booked_although_nothing_came_back(rig, model_api, stream):
    model_api.hangs_up()

    assert (await rig.ask(stream=stream)).status_code == 502

    [row] = await rig.settled()
    assert (row.state, row.inexact) == ("settled", True)
    assert row.cost_usd > 0
    assert (row.cost_usd == row.reserved_usd) is not stream


@pytest.mark.parametrize(
    ("stream", "body", "headers"),
    [(False, b"{}", {}), (False, b"not json", {}), (False, b"\x1f\x8b", {"content_encoding": "gzip"})],
)
async def test_an_answer_that_cannot_be_read_is_booked_in_full(rig, model_api, stream, body, headers):
    model_api.replies(body, **headers)

    await rig.client.send(
        rig.client.build_request("POST", "/v1/messages", headers=rig.headers, json=rig.question(stream=stream)),
        stream=True,
    )

    [row] = await rig.settled()
    assert (row.cost_usd, row.inexact) == (row.reserved_usd, True)


async def test_what_others_have_reserved_of_a_shared_budget_is_waited_for(rig, model_api, sse):
    """The first takes all there is, as far as anybody knows; the second follows when it has cost next to nothing."""
    gate = asyncio.Event()
    await share(rig, "0.05")
    model_api.streams(sse.answer(), gate=gate)
    first = asyncio.create_task(rig.ask(max_tokens=64_000))
    await rig.eventually(lambda: _async(len(model_api.seen) == 1))
    second = asyncio.create_task(rig.ask(max_tokens=64_000))

    async def refused():
        return [row for row in await rig.rows() if row.state == "refused"]

    [row] = await rig.eventually(refused)
    assert (row.refusal, row.refusal_scope) == ("budget", "global_total")
    assert len(model_api.seen) == 1
    gate.set()

    assert [answer.status_code for answer in await asyncio.gather(first, second)] == [200, 200]
    assert not rig.gateway.verdict("run-1").budget_refused


async def test_a_shared_budget_that_is_spent_refuses_at_once_and_says_whose_it_is(rig, model_api):
    await share(rig, "0.001")

    answer = await rig.ask(max_tokens=64_000)

    assert answer.status_code == 403
    assert "total budget for all projects is used up" in answer.json()["error"]["message"]
    assert model_api.seen == []
    verdict = rig.gateway.verdict("run-1")
    assert (verdict.budget_refused, verdict.refused_by) == (True, "global_total")
    assert verdict.needed_usd > Decimal("0.001")


async def share(rig, usd):
    async with rig.engine.begin() as connection:
        await set_shared_budget(
            connection, BudgetScope.GLOBAL_TOTAL, project_id=None, budget_usd=Decimal(usd), set_by="ada"
        )


async def _async(value):
    return value
