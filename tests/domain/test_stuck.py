from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.agent import AgentMessage
from adw.domain.config import StuckTable
from adw.domain.stuck import (
    Rounds,
    Sighting,
    StuckAction,
    StuckKind,
    StuckLimits,
    StuckPolicy,
    TreeRule,
    Watch,
    fingerprint,
    lasting,
    made_progress,
    next_action,
)

LIMITS = StuckLimits(stream_s=30, same_calls=4, same_cycles=3)
WATCH = Watch(limits=LIMITS)

policies = st.builds(StuckPolicy, nudges=st.integers(0, 3), restarts=st.integers(0, 3), tree=st.sampled_from(TreeRule))
actions = st.lists(st.sampled_from(StuckAction))


def after(*calls: str | tuple[str, str]) -> Watch:
    """What is seen after these calls, each a command or a command and its result."""
    watch = WATCH
    for number, each in enumerate(calls):
        command, result = (each, "no such file") if isinstance(each, str) else each
        watch = called(watch, str(number), command=command)
        watch = watch.take(AgentMessage(kind="tool_result", tool_use_id=str(number), text=result))
    return watch


def called(watch: Watch, key: str, **given: Any) -> Watch:
    use = AgentMessage(kind="tool_use", tool_use_id=key, tool_name="Bash", tool_input=given)
    return watch.take(use, shown=f"Bash {given['command']}")


def repetition(watch: Watch) -> str | None:
    found = watch.repetition()
    return None if found is None else found.fact


def test_the_same_call_with_the_same_result_too_often_in_a_row_is_a_loop():
    assert repetition(after(*["ls x"] * 3)) is None
    assert repetition(after("ls", *["ls x"] * 4)) == (
        "it has made the same call 4 times in a row, with the same result each time: Bash ls x"
    )


def test_calls_that_take_turns_are_a_loop_as_well():
    assert repetition(after(*["cat a", "cat b"] * 3)) == (
        "it has made the same 2 calls 3 times over, with the same results: Bash cat a; Bash cat b"
    )
    assert repetition(after(*["1", "2", "3"] * 3)) is not None
    assert repetition(after(*["1", "2", "3"] * 2, "1", "2", "4")) is None
    assert repetition(after(*["1", "2", "3", "4"] * 5)) is None


def test_another_result_is_progress():
    assert repetition(after(*[("poll", f"{done} of 9 files") for done in range(9)])) is None


def test_a_result_that_differs_only_in_its_times_is_the_same():
    results = [f"3 failed in 0.{number}2s at 12:00:0{number}, <Case at 0x7f{number}a>" for number in range(4)]
    assert repetition(after(*[("pytest", result) for result in results])) is not None
    assert lasting("3 failed, 12 passed") == "3 failed, 12 passed"


def test_an_error_and_a_success_are_different_results():
    watch = WATCH
    for number in range(4):
        watch = called(watch, str(number), command="ls")
        said = AgentMessage(kind="tool_result", tool_use_id=str(number), text="x", is_error=number == 1)
        watch = watch.take(said)
    assert watch.repetition() is None


def test_calls_side_by_side_are_told_apart_by_their_ids():
    watch = called(called(WATCH, "a", command="one"), "b", command="two")
    watch = watch.take(AgentMessage(kind="tool_result", tool_use_id="b", text="2"))
    watch = watch.take(AgentMessage(kind="tool_result", tool_use_id="unknown", text="?"))
    assert [shown for _, shown in watch.calls] == ["Bash two"]


def test_answers_of_a_wrong_form_are_counted_by_the_runtime():
    watch = WATCH
    for number in range(9):
        use = AgentMessage(kind="tool_use", tool_use_id=str(number), tool_name="StructuredOutput", tool_input={})
        watch = watch.take(use).take(AgentMessage(kind="tool_result", tool_use_id=str(number), text="wrong"))
    assert watch.repetition() is None


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)))
def test_neither_the_order_of_inputs_nor_a_remark_makes_another_call(inputs: dict[str, Any]):
    turned = dict(reversed(inputs.items()))
    assert fingerprint("Bash", inputs) == fingerprint("Bash", {**turned, "description": "Look once more"})
    assert fingerprint("Bash", inputs) != fingerprint("Read", inputs)


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_no_more_calls_are_remembered_than_loops_need_and_none_is_missed(commands: list[str]):
    watch = after(*commands)
    assert len(watch.calls) <= max(LIMITS.same_calls, 3 * LIMITS.same_cycles)
    loops = ((1, LIMITS.same_calls), (2, LIMITS.same_cycles), (3, LIMITS.same_cycles))
    looping = any(
        len(commands) >= length * times and commands[-length * times :] == commands[-length:] * times
        for length, times in loops
    )
    assert (watch.repetition() is not None) == looping


def test_only_an_answer_that_has_begun_and_not_ended_is_waited_for_with_the_short_patience():
    assert WATCH.patience_s is None
    writing = WATCH.take(AgentMessage(kind="delta"))
    assert writing.patience_s == 30
    assert writing.stalled() == Sighting(
        kind=StuckKind.STREAM, fact="it began an answer and wrote no more of it for 30 s"
    )
    for kind in ("text", "thinking", "tool_use", "tool_result", "retry", "waiting"):
        assert writing.take(AgentMessage(kind=kind)).patience_s is None


def test_it_is_nudged_then_begun_anew_then_stopped():
    policy = StuckPolicy(nudges=2, restarts=1, tree=TreeRule.KEEP)
    done: list[StuckAction] = []
    while not done or done[-1] is not StuckAction.STOP:
        done.append(next_action(policy, done))
    assert done == [StuckAction.NUDGE, StuckAction.NUDGE, StuckAction.RESTART, StuckAction.STOP]


@given(policies, actions, st.lists(policies, min_size=12, max_size=12))
def test_whatever_kinds_follow_one_another_it_never_gets_milder_and_comes_to_an_end(
    policy: StuckPolicy, before: list[StuckAction], kinds: list[StuckPolicy]
):
    done: list[StuckAction] = []
    order = list(StuckAction)
    for each in kinds:
        done.append(next_action(each, done))
    assert [order.index(each) for each in done] == sorted(order.index(each) for each in done)
    assert done[-1] is StuckAction.STOP
    if StuckAction.STOP in before:
        assert next_action(policy, before) is StuckAction.STOP


def test_the_settings_have_a_policy_for_every_kind_and_rounds_are_only_stopped():
    table = StuckTable()
    assert {table.policy(kind).tree for kind in StuckKind} == set(TreeRule)
    assert next_action(table.policy(StuckKind.ROUNDS), []) is StuckAction.STOP
    assert {next_action(table.policy(kind), []) for kind in set(StuckKind) - {StuckKind.ROUNDS}} == {StuckAction.NUDGE}


def test_a_round_that_resolves_something_makes_progress_even_if_more_appears():
    assert made_progress(previous=["tests/test_a.py"], now=["a::1", "a::2"])


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_no_progress_is_made_while_all_that_failed_still_fails(previous: set[str], more: set[str]):
    assert not made_progress(previous=previous, now=previous | more)
    assert made_progress(previous=previous, now=more) == (not previous <= more)


@pytest.mark.parametrize(
    ("patience", "rounds", "stuck"),
    [
        (1, ["a"], False),
        (1, ["a", "a"], True),
        (1, ["ab", "a"], False),
        (2, ["a", "ab"], False),
        (2, ["a", "ab", "abc"], True),
        (2, ["ab", "ab", "a", "a"], False),
    ],
)
def test_rounds_are_given_up_after_so_many_without_progress(patience: int, rounds: list[str], stuck: bool):
    seen = Rounds(patience=patience)
    for each in rounds:
        seen = seen.take(set(each))
    assert seen.are_stuck == stuck
    assert (
        not stuck
        or seen.sentence() == {1: "the last round", 2: "the last 2 rounds"}[patience] + " of repair made no progress"
    )
