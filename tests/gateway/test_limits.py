from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import perf_counter

import httpx
import pytest

from adw.domain.limits import Limit, LimitKind
from adw.gateway.limits import Passage, SharedLimits

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NONE = httpx.Headers()


class StoppedClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


def after(seconds: float) -> httpx.Headers:
    return httpx.Headers({"retry-after": str(seconds)})


def left(limits: SharedLimits, model: str = "m") -> float:
    limit = limits.on(model)
    return 0.0 if limit is None else limits.seconds_to(limit)


async def test_the_latest_end_counts_until_it_has_come(clock):
    limits = SharedLimits(clock)
    limits.note(429, after(60), model="m")
    limits.note(429, after(5), model="m")
    limits.note(200, NONE, model="m")

    assert left(limits) == left(limits, "another") == 60
    clock.forward(61)
    assert left(limits) == 0


async def test_refusals_that_name_no_end_are_waited_for_longer_each_time(clock):
    limits = SharedLimits(clock)
    seen = []
    for _ in range(8):
        limits.note(429, NONE, model="m")
        limits.note(429, NONE, model="m")  # of the same burst
        seen.append(left(limits))
        clock.forward(left(limits))
    assert seen == [1, 2, 4, 8, 16, 30, 60, 60]

    limits.note(200, NONE, model="m")
    limits.note(429, NONE, model="m")
    assert left(limits) == 1


async def test_overload_holds_back_its_model_alone_and_never_for_long(clock):
    limits = SharedLimits(clock)

    limit = limits.note(529, after(90), model="m")

    assert limit is not None
    assert (limit.kind, limit.model) == (LimitKind.OVERLOADED, "m")
    assert (left(limits), left(limits, "another")) == (8, 0)


async def test_a_limit_of_a_model_leaves_the_others_alone(clock):
    limits = SharedLimits(clock)

    limits.note(429, after(60), model="m", of_model=True)

    assert (left(limits), left(limits, "another")) == (60, 0)


async def test_after_a_limit_one_goes_ahead_and_the_others_follow_when_it_came_through(clock):
    limits = SharedLimits(clock)
    limits.note(429, after(5), model="m")
    clock.forward(5)

    ahead = await limits.enter("m")
    others = [asyncio.create_task(limits.enter("m")) for _ in range(4)]
    await asyncio.sleep(0.05)
    assert not any(other.done() for other in others)

    limits.note(200, NONE, model="m")
    started = perf_counter()
    passages = await asyncio.gather(*others)
    assert all(isinstance(passage, Passage) for passage in [ahead, *passages])
    assert perf_counter() - started > 0.1, "one by one"


async def test_when_the_first_is_refused_again_all_wait_again(clock):
    limits = SharedLimits(clock)
    limits.note(429, after(5), model="m")
    clock.forward(5)
    await limits.enter("m")
    others = [asyncio.create_task(limits.enter("m")) for _ in range(3)]
    await asyncio.sleep(0.02)

    limits.note(429, after(3600), model="m")

    for answer in await asyncio.gather(*others):
        assert isinstance(answer, Limit)
        assert answer.resets_at == NOW + timedelta(seconds=3605)


async def test_when_the_first_gets_no_answer_the_next_goes_ahead(clock):
    limits = SharedLimits(clock)
    limits.note(429, after(5), model="m")
    clock.forward(5)
    ahead = await limits.enter("m")
    assert isinstance(ahead, Passage)
    others = [asyncio.create_task(limits.enter("m")) for _ in range(2)]
    await asyncio.sleep(0.02)
    limits.note(500, NONE, model="m")
    assert not any(other.done() for other in others)

    ahead.over()

    done, waiting = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting)) == (1, 1)
    for other in waiting:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def test_a_long_limit_met_by_one_run_is_told_to_the_others_without_asking(rig_of, model_api):
    async with rig_of(clock=StoppedClock()) as rig:
        model_api.replies(b"{}", status=429, retry_after="3600")
        assert (await rig.ask()).status_code == 429
        rig.token = rig.gateway.admit(rig.grant(agent_run_id="run-2"))
        answer = await rig.ask()

        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert len(model_api.seen) == 1
        for run in ("run-1", "run-2"):
            verdict = rig.gateway.verdict(run)
            assert (verdict.last_status, verdict.limit_resets_at) == (429, NOW + timedelta(hours=1))
            assert verdict.limit.kind is LimitKind.USAGE_LIMIT
        assert rig.gateway.limit_resets_at == NOW + timedelta(hours=1)
        assert (await rig.gateway.limit_on("any")).resets_at == NOW + timedelta(hours=1)
        assert (await rig.client.post("/v1/messages/count_tokens", headers=rig.headers)).status_code == 429
        assert len(model_api.seen) == 1
        [row] = await rig.settled(1)
        assert (row.state, row.cost_usd) == ("failed", 0)


async def test_a_short_limit_is_waited_out_here_and_the_agent_never_hears_of_it(rig, model_api, sse):
    until = perf_counter() + 0.3
    early: list[float] = []

    async def limited_until_then(seen, writer):
        if perf_counter() < until:
            early.append(perf_counter())
            await refuse(seen, writer)
        else:
            await model_api.streamed(sse.answer())(seen, writer)

    model_api.replies(b"{}", status=429, retry_after="0.3")
    refuse, model_api.answer = model_api.answer, limited_until_then

    assert (await rig.ask()).status_code == 200
    assert perf_counter() > until
    assert len(early) == 1, "nothing is asked while it lasts"
    assert [row.state for row in await rig.settled(2)] == ["failed", "settled"]
    assert rig.gateway.verdict("run-1").limit is None
    assert await rig.gateway.limit_on("any") is None


async def test_a_limit_that_never_ends_is_given_back_in_the_model_apis_own_words(rig, model_api):
    model_api.replies(b'{"why": "busy"}', status=429, retry_after="0.01")

    answer = await rig.ask()

    assert (answer.status_code, answer.json()) == (429, {"why": "busy"})
    assert len(model_api.seen) == 5


async def test_a_run_that_is_revoked_while_it_is_held_back_asks_nothing(rig, model_api):
    model_api.replies(b"{}", status=429, retry_after="5")
    asking = asyncio.create_task(rig.ask())
    await rig.eventually(lambda: _is_true(rig.gateway.verdict("run-1").limit is not None))

    rig.gateway.revoke(rig.token)

    with pytest.raises(httpx.HTTPError):
        await asking
    assert len(model_api.seen) == 1


async def _is_true(value: bool) -> bool:
    return value
