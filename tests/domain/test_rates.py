from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.rates import FIRST_HOLD_S, LONGEST_HOLD_S, Budget, Cost, RateLimits

START = datetime(2026, 5, 1, tzinfo=UTC)
LIMITS = RateLimits(points_per_minute=60, writes_per_minute=10, writes_per_hour=100)
WRITE = Cost(points=5, writes=1)
READ = Cost()


def test_what_fits_goes_at_once():
    assert Budget(drained_at=START).wait_s(WRITE, LIMITS) == 0


@given(st.lists(st.tuples(st.sampled_from([READ, WRITE]), st.floats(0, 20)), max_size=150))
def test_no_minute_and_no_hour_sees_more_than_is_allowed(requests: list[tuple[Cost, float]]):
    budget, now, sent = Budget(drained_at=START), START, list[tuple[datetime, Cost]]()
    for cost, pause_s in requests:
        now += timedelta(seconds=pause_s)
        budget = budget.drained(now, LIMITS)
        wait_s = budget.wait_s(cost, LIMITS)
        now += timedelta(seconds=wait_s + 0.001)
        budget = budget.drained(now, LIMITS)
        assert budget.wait_s(cost, LIMITS) == 0
        budget = budget.spent(cost)
        sent.append((now, cost))
    for index, (begin, _) in enumerate(sent):
        minute = [cost for at, cost in sent[index:] if at < begin + timedelta(minutes=1)]
        hour = [cost for at, cost in sent[index:] if at < begin + timedelta(hours=1)]
        assert sum(cost.points for cost in minute) <= LIMITS.points_per_minute
        assert sum(cost.writes for cost in minute) <= LIMITS.writes_per_minute
        assert sum(cost.writes for cost in hour) <= LIMITS.writes_per_hour


def test_a_request_larger_than_the_bucket_waits_until_it_is_empty():
    assert Budget(drained_at=START).wait_s(Cost(points=1000), LIMITS) == 0
    assert Budget(drained_at=START, points=30).wait_s(Cost(points=1000), LIMITS) == pytest.approx(60)


def test_an_allowance_that_is_used_up_is_waited_for():
    budget = Budget(drained_at=START, remaining=0, resets_at=START + timedelta(seconds=90))
    assert budget.wait_s(READ, LIMITS) == 90
    assert budget.drained(START + timedelta(seconds=91), LIMITS).wait_s(READ, LIMITS) == 0


def test_whoever_is_held_waits_whatever_the_cost():
    held = Budget(drained_at=START).held(START, for_s=7)
    assert held.wait_s(READ, LIMITS) == 7


def test_refusals_without_a_time_hold_longer_each_time():
    budget, now, lengths = Budget(drained_at=START), START, list[float]()
    for _ in range(7):
        budget = budget.held(now, for_s=None)
        assert budget.held_until is not None
        lengths.append((budget.held_until - now).total_seconds())
        now = budget.held_until + timedelta(seconds=1)
    assert lengths == [FIRST_HOLD_S, 120, 240, 480, LONGEST_HOLD_S, LONGEST_HOLD_S, LONGEST_HOLD_S]
    later = budget.held(now + timedelta(hours=1), for_s=None)
    assert later.holds == 1


def test_one_refusal_seen_by_many_is_one():
    held = Budget(drained_at=START).held(START, for_s=60)
    again = held.held(START + timedelta(seconds=1), for_s=None)
    longer = held.held(START + timedelta(seconds=1), for_s=100)
    assert again == held
    assert longer.held_until == START + timedelta(seconds=101)
    assert longer.holds == 1
