from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

import httpx
import pytest

from adw.gateway.limits import SharedLimit

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class StoppedClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.mark.parametrize(
    ("status", "headers", "expected_s"),
    [
        (429, {"retry-after": "90"}, 90),
        (429, {"retry-after": "0.5"}, 0.5),
        (429, {"anthropic-ratelimit-unified-reset": str(int(NOW.timestamp()) + 3600)}, 3600),
        (429, {"retry-after": "10", "anthropic-ratelimit-unified-reset": "1"}, 10),
        (429, {}, None),
        (429, {"retry-after": "soon"}, None),
        (429, {"retry-after": "nan"}, None),
        (429, {"retry-after": "1e30"}, None),
        (429, {"retry-after": "-1"}, None),
        (529, {"retry-after": "90"}, None),
        (200, {"anthropic-ratelimit-unified-reset": "9999999999"}, None),
    ],
)
def test_the_end_of_a_limit_is_read_off_a_refusal(status, headers, expected_s):
    limit = SharedLimit(StoppedClock())

    until = limit.note(status, httpx.Headers(headers))

    assert until == (None if expected_s is None else NOW + timedelta(seconds=expected_s))
    assert limit.remaining_s() == (expected_s or 0)


def test_the_latest_end_counts_until_it_has_come():
    clock = StoppedClock()
    limit = SharedLimit(clock)
    limit.note(429, httpx.Headers({"retry-after": "60"}))
    limit.note(429, httpx.Headers({"retry-after": "5"}))
    limit.note(200, httpx.Headers())

    assert limit.remaining_s() == 60
    clock.moment += timedelta(seconds=61)
    assert limit.remaining_s() == 0


async def test_a_long_limit_met_by_one_run_is_told_to_the_others_without_asking(rig_of, model_api):
    async with rig_of(clock=StoppedClock()) as rig:
        model_api.replies(b"{}", status=429, retry_after="3600")
        assert (await rig.ask()).status_code == 429
        rig.token = rig.gateway.admit(rig.grant(agent_run_id="run-2"))
        answer = await rig.ask()

        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert len(model_api.seen) == 1
        for run in ("run-1", "run-2"):
            verdict = rig.gateway.verdict(run)
            assert (verdict.last_status, verdict.limit_resets_at) == (429, NOW + timedelta(hours=1))
        assert rig.gateway.limit_resets_at == NOW + timedelta(hours=1)
        assert len(await rig.settled(1)) == 1


async def test_a_short_limit_is_waited_out_here(rig, model_api, sse):
    model_api.replies(b"{}", status=429, retry_after="0.3")
    await rig.ask()
    model_api.streams(sse.answer())
    started = perf_counter()

    assert (await rig.ask()).status_code == 200
    assert perf_counter() - started > 0.2
    assert rig.gateway.verdict("run-1").limit_resets_at is None
