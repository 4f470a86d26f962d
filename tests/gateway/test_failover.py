from __future__ import annotations

from typing import Any

import pytest
from tests.gateway.conftest import MODEL

from adw.domain.failover import FallbackReason

SECOND, THIRD = "claude-haiku-4-5", "claude-opus-4-8"  # cheaper, dearer
ALL = tuple(FallbackReason)


@pytest.fixture
async def rig(rig_of, model_api):
    """A gateway whose model API knows only some models; `replaced` is what it tells."""
    replaced: list[Any] = []

    async def tell(each: Any) -> None:
        replaced.append(each)

    async with rig_of(on_model_replaced=tell) as rig:
        rig.replaced = replaced
        yield rig


def answers_by_model(model_api, sse, **statuses: int) -> None:
    good = model_api.streamed(sse.answer())

    async def answer(seen, writer):
        status = statuses.get(seen.document["model"].replace("-", "_"), 200)
        if status == 200:
            await good(seen, writer)
        else:
            model_api.replies(b'{"why": "no"}', status=status, retry_after="3600")
            refuse, model_api.answer = model_api.answer, answer
            await refuse(seen, writer)

    model_api.answer = answer


def asked(model_api) -> list[str]:
    return [seen.document["model"] for seen in model_api.seen]


def follow(rig, *, fallback=(SECOND, THIRD), on=ALL) -> None:
    rig.token = rig.gateway.admit(rig.grant(fallback=fallback, fallback_on=on))


async def test_a_model_that_is_not_there_is_replaced_at_once_and_for_the_whole_conversation(rig, model_api, sse):
    follow(rig)
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): 404})

    for _ in range(2):
        assert (await rig.ask()).status_code == 200

    assert asked(model_api) == [MODEL, SECOND, SECOND]
    first, second, _ = await rig.settled(3)
    assert (first.model, first.asked_model, first.state, first.cost_usd) == (MODEL, None, "failed", 0)
    assert (second.model, second.asked_model, second.state) == (SECOND, MODEL, "settled")
    assert float(second.cost_usd) == pytest.approx(0.002), "at the price of the model that answered"
    [told] = rig.replaced
    assert told.words == f"the implementor goes on with model {SECOND}: {MODEL} is not available"
    assert model_api.seen[1].document == rig.question(model=SECOND)


async def test_an_overloaded_model_is_replaced_when_it_stays_so(rig, model_api, sse):
    follow(rig, fallback=(SECOND,))
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): 529})
    rig.gateway._limits.longest_hold_s = 0.0  # what the hold itself does is shown elsewhere

    statuses = []
    for _ in range(3):
        statuses.append((await rig.ask()).status_code)
        rig.gateway._limits._holds.clear()

    assert statuses == [529, 529, 200]
    assert asked(model_api) == [MODEL, MODEL, MODEL, SECOND]
    assert [each.reason for each in rig.replaced] == [FallbackReason.OVERLOADED]


async def test_a_limit_of_one_model_sends_work_to_the_next_where_the_project_wants_that(rig, model_api, sse):
    follow(rig)
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): 429, SECOND.replace("-", "_"): 429})

    assert (await rig.ask()).status_code == 200

    assert asked(model_api) == [MODEL, SECOND, THIRD]
    assert rig.gateway.verdict("run-1").limit is None
    rig.token = rig.gateway.admit(rig.grant(agent_run_id="run-2", fallback=(SECOND, THIRD), fallback_on=ALL))
    assert (await rig.ask()).status_code == 200
    assert asked(model_api) == [MODEL, SECOND, THIRD, THIRD], "what is known to be limited is not asked again"


async def test_when_every_model_is_limited_the_agent_is_told_to_stop(rig, model_api, sse):
    follow(rig, fallback=(SECOND,))
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): 429, SECOND.replace("-", "_"): 429})

    answer = await rig.ask()

    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    assert asked(model_api) == [MODEL, SECOND]


@pytest.mark.parametrize(("status", "on"), [(404, ("overloaded",)), (529, ("unavailable",)), (400, ALL), (500, ALL)])
async def test_without_a_policy_for_it_the_answer_is_passed_on(rig, model_api, sse, status, on):
    follow(rig, on=tuple(map(FallbackReason, on)))
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): status})

    assert (await rig.ask()).status_code == status

    assert asked(model_api) == [MODEL]
    assert rig.replaced == []


async def test_a_limit_is_everybodys_where_the_policy_does_not_say_otherwise(rig, model_api, sse):
    follow(rig, on=(FallbackReason.OVERLOADED, FallbackReason.UNAVAILABLE))
    answers_by_model(model_api, sse, **{MODEL.replace("-", "_"): 429})

    assert (await rig.ask()).status_code == 429
    assert (await rig.ask(model=SECOND)).status_code == 429

    assert asked(model_api) == [MODEL]
