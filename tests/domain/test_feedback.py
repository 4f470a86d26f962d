from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.feedback import (
    Action,
    Ask,
    BeginRound,
    Cause,
    Facts,
    FailedCheck,
    Fault,
    FeedbackRules,
    History,
    MergeNow,
    RecordClosed,
    RecordMerged,
    Remark,
    Rerun,
    Say,
    TakeAnswer,
    Wait,
    after_answer,
    after_asking,
    after_rerun,
    after_round,
    after_saying,
    history_from,
    history_to,
)
from adw.domain.feedback_decision import LONGEST_NEAR_S, LONGEST_S, PENDING_S, decide, pause_s

HEAD = "a" * 40
RULES = FeedbackRules()
OPEN = Facts(state="ready", head=HEAD)


def red(name: str = "ci / test", fault: Fault = Fault.REGRESSION, *, signature: str = "s", can_rerun: bool = False):
    return FailedCheck(id=name, name=name, fault=fault, signature=signature, can_rerun=can_rerun)


def remark(key: str = "thread:1:1", kind: Any = "thread", **changes: Any) -> Remark:
    return Remark(key=key, kind=kind, id=key, author="ada", text="Why?", **changes)


def taken_note(action: Action, history: History, facts: Facts) -> History:
    match action:
        case BeginRound():
            return after_round(history, action)
        case Rerun(check=check):
            return after_rerun(history, check, head=facts.head)
        case Say():
            return after_saying(history, action)
        case Ask():
            return after_asking(history)
        case TakeAnswer(allowed=allowed):
            return after_answer(history, allowed=allowed)
        case _:
            return history


class TestWhatIsDone:
    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            (OPEN, Wait()),
            (replace(OPEN, state="merged"), RecordMerged()),
            (replace(OPEN, state="closed", is_busy=True), RecordClosed()),
            (replace(OPEN, state="merged", is_shipping=True, is_busy=True), Wait()),
            (replace(OPEN, is_busy=True, remarks=(remark(),)), Wait()),
            (replace(OPEN, question="pending", remarks=(remark(),)), Wait()),
            (replace(OPEN, question="allowed"), TakeAnswer(allowed=True)),
            (replace(OPEN, question="denied"), TakeAnswer(allowed=False)),
            (replace(OPEN, base_moved=True), Wait()),
            (replace(OPEN, failed=(red(),), pending=("lint",)), Wait()),
            (replace(OPEN, waits_to_merge=True, may_merge=True), MergeNow()),
            (replace(OPEN, waits_to_merge=True, may_merge=True, pending=("lint",)), Wait()),
            (replace(OPEN, waits_to_merge=True, may_merge=True, failed=(red(fault=Fault.PREEXISTING),)), None),
            (replace(OPEN, waits_to_merge=True), Wait()),
        ],
    )
    def test_each_state_has_its_answer(self, facts: Facts, expected: Action | None):
        action = decide(facts, History(), RULES)
        assert action == expected if expected is not None else isinstance(action, Say)

    def test_everything_that_is_open_goes_into_one_round(self):
        facts = replace(
            OPEN,
            foreign="f" * 40,
            base_moved=True,
            conflicts=("a.py",),
            failed=(red(), red("lint", Fault.PREEXISTING)),
            remarks=(remark(), remark("request:1", "request")),
        )
        begun = decide(facts, History(), RULES)
        assert isinstance(begun, BeginRound)
        assert begun.causes == tuple(Cause)
        assert [each.name for each in begun.checks] == ["ci / test"]
        assert begun.update_base
        assert begun.sentence() == (
            "1 failing check, 1 remark of a review, 1 request, the moved base, commits of others"
        )

    @pytest.mark.parametrize(
        ("behind", "conflicts", "moves"), [(True, (), True), (False, ("a",), True), (False, (), False)]
    )
    def test_a_moved_base_is_taken_in_only_when_it_has_to_be(
        self, behind: bool, conflicts: tuple[str, ...], moves: bool
    ):
        facts = replace(OPEN, base_moved=True, must_be_up_to_date=behind, conflicts=conflicts)
        assert isinstance(decide(facts, History(), RULES), BeginRound) is moves

    @pytest.mark.parametrize(
        ("rules", "facts"),
        [
            (FeedbackRules(checks=False), replace(OPEN, failed=(red(), red("b", Fault.BILLING)))),
            (FeedbackRules(reviews=False), replace(OPEN, remarks=(remark(), remark("r", "review")))),
            (FeedbackRules(comments=False), replace(OPEN, remarks=(remark("c", "comment"), remark("q", "request")))),
            (FeedbackRules(base=False), replace(OPEN, base_moved=True, conflicts=("a",))),
            (FeedbackRules(commits=False), replace(OPEN, foreign="f" * 40)),
        ],
    )
    def test_what_a_project_switches_off_is_left_alone(self, rules: FeedbackRules, facts: Facts):
        assert decide(facts, History(), rules) == Wait()
        assert decide(facts, History(), RULES) != Wait()

    def test_what_may_be_chance_is_run_again_once_and_then_counts(self):
        facts = replace(OPEN, failed=(red(fault=Fault.FLAKY, can_rerun=True),))
        first = decide(facts, History(), RULES)
        assert isinstance(first, Rerun)
        again = decide(facts, after_rerun(History(), first.check, head=HEAD), RULES)
        assert isinstance(again, BeginRound)

    def test_what_passes_when_run_again_is_called_flaky_once(self):
        history = after_rerun(History(), red(), head=HEAD)
        facts = replace(OPEN, passed=("ci / test",))
        said = decide(facts, history, RULES)
        assert isinstance(said, Say)
        assert "flaky" in said.text
        assert decide(facts, after_saying(history, said), RULES) == Wait()

    def test_machines_are_tried_again_within_a_budget_and_then_spoken_of_once(self):
        facts = replace(OPEN, failed=(red(fault=Fault.INFRASTRUCTURE, can_rerun=True),))
        assert isinstance(decide(facts, History(), RULES), Rerun)
        said = decide(facts, History(reruns=RULES.max_reruns), RULES)
        assert isinstance(said, Say)
        assert decide(facts, after_saying(History(reruns=3), said), RULES) == Wait()

    @pytest.mark.parametrize("fault", [Fault.BILLING, Fault.PREEXISTING, Fault.INFRASTRUCTURE])
    def test_what_no_agent_can_mend_is_never_given_to_one(self, fault: Fault):
        assert isinstance(decide(replace(OPEN, failed=(red(fault=fault),)), History(), RULES), Say)


class TestConvergence:
    def test_the_same_failure_after_a_round_is_asked_about(self):
        facts = replace(OPEN, failed=(red(),))
        begun = decide(facts, History(), RULES)
        assert isinstance(begun, BeginRound)
        history = after_round(History(), begun)
        asked = decide(facts, history, RULES)
        assert isinstance(asked, Ask)
        assert "ci / test fails exactly as before" in asked.text
        other = replace(OPEN, failed=(red(signature="other"),))
        assert isinstance(decide(other, history, RULES), BeginRound)

    def test_a_thread_opened_again_is_asked_about(self):
        facts = replace(OPEN, remarks=(remark("thread:1:2", is_reopened=True, path="a.py"),))
        asked = decide(facts, History(), RULES)
        assert isinstance(asked, Ask)
        assert "a.py" in asked.text
        history = after_answer(after_asking(History()), allowed=True)
        begun = decide(facts, history, RULES)
        assert isinstance(begun, BeginRound)
        assert not after_round(history, begun).is_granted

    def test_an_answer_lets_it_go_on_or_leaves_only_what_people_ask_for(self):
        spent = History(rounds={"review": 4}, total=4, asked="feedback:1", questions=1)
        facts = replace(OPEN, remarks=(remark(),))
        assert isinstance(decide(facts, replace(spent, asked=None), RULES), Ask)
        assert isinstance(decide(facts, after_answer(spent, allowed=True), RULES), BeginRound)
        stopped = after_answer(spent, allowed=False)
        assert decide(facts, stopped, RULES) == Wait()
        wanted = replace(OPEN, remarks=(remark(), remark("request:1", "request")))
        begun = decide(wanted, stopped, RULES)
        assert isinstance(begun, BeginRound)
        assert [each.key for each in begun.remarks] == ["request:1"]

    def test_rounds_in_all_are_capped_though_each_cause_has_some_left(self):
        spent = History(rounds={"review": 3, "checks": 3, "base": 2}, total=8)
        assert isinstance(decide(replace(OPEN, remarks=(remark(),)), spent, RULES), Ask)


class TestPauses:
    def test_pauses_grow_up_to_a_limit(self):
        paused = [pause_s(OPEN, quiet=quiet, is_near=False) for quiet in range(40)]
        assert paused[:3] == [30.0, 60.0, 120.0]
        assert max(paused) == LONGEST_S
        assert pause_s(OPEN, quiet=9, is_near=True) == LONGEST_NEAR_S

    def test_what_is_running_is_looked_at_soon(self):
        assert pause_s(replace(OPEN, pending=("x",)), quiet=9, is_near=False) == PENDING_S
        assert pause_s(replace(OPEN, is_busy=True), quiet=0, is_near=False) == 60.0


def test_a_history_survives_being_written_down():
    history = after_round(History(), BeginRound(causes=(Cause.CHECKS,), checks=(red(),), remarks=(remark(),)))
    assert history_from(history_to(history)) == history
    assert history_from({}) == History()
    assert history_from({"total": 2, "unknown": 1}) == History(total=2)


faults = st.sampled_from(list(Fault))
checks = st.lists(
    st.builds(
        FailedCheck,
        id=st.just("1"),
        name=st.sampled_from(["a", "b", "c"]),
        fault=faults,
        signature=st.sampled_from(["s", "t", "u"]),
        can_rerun=st.booleans(),
    ),
    max_size=3,
).map(tuple)
remarks = st.lists(
    st.builds(
        Remark,
        key=st.integers(0, 40).map(str),
        kind=st.sampled_from(["thread", "review", "request", "comment"]),
        id=st.just("1"),
        author=st.just("ada"),
        text=st.just("?"),
        is_reopened=st.booleans(),
    ),
    max_size=3,
).map(tuple)
moments = st.builds(
    Facts,
    state=st.sampled_from(["draft", "ready"]),
    head=st.sampled_from(["h", "i"]),
    is_busy=st.booleans(),
    foreign=st.sampled_from([None, "f"]),
    base_moved=st.booleans(),
    conflicts=st.sampled_from([(), ("a",)]),
    must_be_up_to_date=st.booleans(),
    failed=checks,
    pending=st.sampled_from([(), ("x",)]),
    passed=st.sampled_from([(), ("a", "b")]),
    remarks=remarks,
    waits_to_merge=st.booleans(),
    may_merge=st.booleans(),
)


@given(st.lists(moments, min_size=30, max_size=60))
def test_whatever_happens_what_is_done_by_itself_is_bounded_and_nothing_is_answered_twice(course: list[Facts]):
    history, answered, asked = History(), set[str](), 0
    rounds = {"own": 0, "foreign": 0}
    reruns, said = 0, set[str]()
    for moment in course:
        facts = replace(moment, question="pending" if history.asked else "none")
        action = decide(facts, history, RULES)
        match action:
            case BeginRound():
                assert not facts.is_busy
                assert action.causes
                keys = {each.key for each in action.remarks}
                assert not keys & answered
                answered |= keys
                rounds["foreign" if action.causes == (Cause.FOREIGN,) else "own"] += 1
            case Rerun():
                reruns += 1
            case Say():
                assert not said & set(action.keys)
                said |= set(action.keys)
            case Ask():
                asked += 1
            case _:
                pass
        history = taken_note(action, history, facts)
    assert rounds["own"] <= RULES.max_rounds
    assert rounds["own"] + rounds["foreign"] <= 2 * RULES.max_rounds
    assert reruns <= RULES.max_reruns
    assert asked <= 1
    assert history_from(history_to(history)) == history
