from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adw.domain.feedback import FailedCheck, Fault
from adw.domain.feedback_after import (
    After,
    AfterAction,
    AfterFacts,
    Finish,
    LookLater,
    RunAgain,
    TakeBack,
    TellRed,
    after_from,
    after_to,
    decide_after,
)

FACTS = AfterFacts(age_s=10.0, has_checks=True, is_pending=False)


def red(fault: Fault, **changes: Any) -> FailedCheck:
    return FailedCheck(id="1", name="ci", fault=fault, signature="s", **changes)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (FACTS, Finish()),
        (replace(FACTS, is_pending=True), LookLater(after_s=30.0)),
        (replace(FACTS, is_pending=True, age_s=1e6), Finish()),
        (replace(FACTS, has_checks=False), LookLater(after_s=60.0)),
        (replace(FACTS, has_checks=False, age_s=4000.0), Finish()),
        (replace(FACTS, question="pending"), LookLater(after_s=600.0)),
        (replace(FACTS, question="allowed"), TakeBack()),
        (replace(FACTS, question="denied"), Finish()),
    ],
)
def test_each_state_has_its_answer(facts: AfterFacts, expected: AfterAction):
    assert decide_after(facts, After()) == expected


@pytest.mark.parametrize(
    ("fault", "offers"),
    [(Fault.REGRESSION, True), (Fault.FLAKY, True), (Fault.INFRASTRUCTURE, False), (Fault.BILLING, False)],
)
def test_what_turned_red_is_told_with_its_cause_and_taking_back_offered_where_that_would_help(
    fault: Fault, offers: bool
):
    told = decide_after(replace(FACTS, turned=(red(fault),)), After())
    assert isinstance(told, TellRed)
    assert told.offers_revert is offers
    assert "**ci**" in told.text


def test_what_may_be_chance_is_run_again_once():
    facts = replace(FACTS, turned=(red(Fault.FLAKY, can_rerun=True),))
    assert isinstance(decide_after(facts, After()), RunAgain)
    assert isinstance(decide_after(facts, After(reruns=("ci",))), TellRed)


def test_what_was_done_survives_being_written_down():
    after = After(since=1.5, reruns=("ci",), asked="revert:abc")
    assert after_from(after_to(after)) == after
    assert after_from(None) == After()
