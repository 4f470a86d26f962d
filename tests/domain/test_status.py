from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.status import OPEN_PR_STATES, TRANSITIONS, UNFINISHED, PrState, Status, check_transition, is_live
from adw.kit.errors import WrongStateError

# Written out once more, as the rules are told to people.
ALLOWED = {
    "queued": "active paused cancelled",
    "active": "waiting paused completed failed cancelled",
    "waiting": "active paused failed cancelled",
    "paused": "queued active waiting cancelled",
    "failed": "queued",
    "completed": "queued",
    "cancelled": "",
}


@pytest.mark.parametrize(("current", "target"), list(product(Status, Status)))
def test_every_pair_is_allowed_or_refused_as_the_rules_say(current, target):
    if target in ALLOWED[current].split():
        check_transition(current, target)
    else:
        with pytest.raises(WrongStateError, match=f"is {current} cannot become {target}") as refused:
            check_transition(current, target)
        assert refused.value.hint


def test_the_table_speaks_of_every_status():
    assert set(TRANSITIONS) == set(Status)
    assert {str(status): set(targets) for status, targets in TRANSITIONS.items()} == {
        status: {Status(word) for word in words.split()} for status, words in ALLOWED.items()
    }


@given(st.lists(st.sampled_from(Status), min_size=1))
def test_whatever_happens_to_a_workflow_cancelled_is_final_and_nothing_stays_as_it_is(wishes):
    status = Status.QUEUED
    for wish in wishes:
        try:
            check_transition(status, wish)
        except WrongStateError:
            continue
        assert status is not Status.CANCELLED
        assert wish is not status
        status = wish
    if status is Status.CANCELLED:
        assert not TRANSITIONS[status]


@given(st.sampled_from(sorted(UNFINISHED)))
def test_cancel_wins_over_everything_unfinished(status):
    check_transition(status, Status.CANCELLED)


@pytest.mark.parametrize("status", list(Status))
def test_only_a_queue_leads_into_work_and_only_work_completes(status):
    if Status.COMPLETED in TRANSITIONS[status]:
        assert status is Status.ACTIVE
    if status not in UNFINISHED:
        assert TRANSITIONS[status] <= {Status.QUEUED}


@pytest.mark.parametrize(("status", "pr_state"), list(product(Status, PrState)))
def test_a_workflow_is_live_while_it_may_change_something_or_its_pull_request_is_open(status, pr_state):
    unfinished = status in {Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.PAUSED}
    is_open = pr_state in {PrState.DRAFT, PrState.READY}
    assert is_live(status, pr_state) == (unfinished or (is_open and status is not Status.CANCELLED))
    assert (pr_state in OPEN_PR_STATES) == is_open
