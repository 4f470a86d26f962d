from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import ReportFormat, RunEnd, TestResult, TestRun, TestStatus, Unreadable, judge
from adw.domain.verdict import (
    MAX_RERUN_TESTS,
    Baseline,
    Outcome,
    Verdict,
    compare,
    settle_baseline,
    to_rerun,
    to_rerun_on_base,
)

LETTERS = {"p": TestStatus.PASSED, "f": TestStatus.FAILED, "e": TestStatus.ERROR, "s": TestStatus.SKIPPED}

runs = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("pfes"), max_size=8)
rerun_maps = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.booleans(), max_size=3))


def run(statuses: Mapping[str, str], **fields: Any) -> TestRun:
    """A run from letters: `{"a": "p"}` is one test that passed."""
    found = [TestResult(test_id=i, test_name=i, status=LETTERS[s]) for i, s in statuses.items()]
    exit_code = fields.pop("exit_code", 1 if set(statuses.values()) & {"f", "e"} else 0)
    report_format = fields.pop("report_format", ReportFormat.JUNIT)
    return judge(found, end=RunEnd(command="t", exit_code=exit_code, **fields), report_format=report_format)


def unreadable() -> TestRun:
    return judge(Unreadable("no report"), end=RunEnd(command="t", exit_code=0), report_format=ReportFormat.JUNIT)


def verdict(
    now: Mapping[str, str], base: Mapping[str, str], reruns: Mapping[str, list[bool]] | None = None, flaky: str = ""
) -> Verdict:
    return compare(run(now), baseline=Baseline(run=run(base), flaky=frozenset(flaky)), reruns=reruns or {})


def ids(found: tuple[TestResult, ...]) -> list[str]:
    return [result.test_id for result in found]


def test_a_failure_the_base_does_not_have_is_a_regression():
    found = verdict({"a": "f", "b": "p"}, {"a": "p", "b": "p"})
    assert (found.outcome, ids(found.regressions)) == (Outcome.RED, ["a"])


def test_a_new_test_that_fails_is_a_regression():
    assert ids(verdict({"a": "p", "new": "e"}, {"a": "p"}).regressions) == ["new"]


def test_a_failure_of_the_base_blocks_nobody():
    found = verdict({"a": "f", "b": "p"}, {"a": "f", "b": "p"})
    assert (found.green, ids(found.preexisting), found.regressions) == (True, ["a"], ())


def test_where_nothing_passes_and_nothing_passed_the_gate_does_not_apply():
    found = verdict({"a": "f", "b": "e"}, {"a": "f", "b": "f"})
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, "nothing passed: 2 tests failed as on the base")
    assert verdict({"a": "f"}, {"a": "f"}, flaky="a").green


def test_a_failure_that_passes_alone_twice_is_flaky_and_does_not_block():
    found = verdict({"a": "f", "b": "p"}, {"a": "p", "b": "p"}, {"a": [True, True]})
    assert (found.green, ids(found.flaky), found.regressions) == (True, ["a"], ())


@pytest.mark.parametrize("passes", [[], [True], [True, False], [False]])
def test_anything_less_than_passing_alone_twice_is_a_regression(passes: list[bool]):
    assert ids(verdict({"a": "f"}, {"a": "p"}, {"a": passes}).regressions) == ["a"]


def test_a_failure_of_the_base_that_passes_there_the_second_time_is_flaky():
    baseline = settle_baseline(run({"a": "f", "b": "f"}), reruns={"a": [True], "b": [False]})
    assert baseline.flaky == {"a"}
    found = compare(run({"a": "f", "b": "f"}), baseline=baseline, reruns={})
    assert (ids(found.flaky), ids(found.preexisting), found.green) == (["a"], ["b"], True)


def test_a_failure_of_the_base_that_passes_now_is_fixed():
    assert verdict({"a": "p"}, {"a": "f"}).fixed == ("a",)


def test_a_test_that_is_gone_is_reported_and_makes_the_comparison_incomplete():
    found = verdict({"a": "p"}, {"a": "p", "b": "f"})
    assert (found.vanished, found.complete, found.green) == (("b",), False, True)


def test_a_test_that_is_skipped_from_now_on_is_reported_likewise():
    found = verdict({"a": "p", "b": "s", "c": "s"}, {"a": "p", "b": "p", "c": "s"})
    assert (found.silenced, found.complete) == (("b",), False)


def test_a_report_that_cannot_be_used_is_red():
    found = compare(unreadable(), baseline=Baseline(run=run({"a": "p"})), reruns={})
    assert (found.outcome, "no report" in found.reason) == (Outcome.RED, True)


@pytest.mark.parametrize(
    "base",
    [
        unreadable(),
        run({}, exit_code=None, timed_out=True),
        run({}, exit_code=2),
        run({}, exit_code=2, report_format=ReportFormat.EXIT_CODE),
    ],
    ids=["no report", "time-out", "fails before its first test", "exit status only"],
)
@pytest.mark.parametrize("now", [run({"a": "p"}), run({"a": "f"}), unreadable()], ids=["passes", "fails", "unreadable"])
def test_the_gate_does_not_apply_where_the_base_cannot_run(now: TestRun, base: TestRun):
    found = compare(now, baseline=Baseline(run=base), reruns={})
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert "base" in found.reason
    assert to_rerun(now, baseline=Baseline(run=base)) == ()


def test_without_tests_the_gate_does_not_apply():
    assert verdict({}, {}).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("now", [{}, {"a": "s"}])
def test_losing_every_test_is_red(now: dict[str, str]):
    assert verdict(now, {"a": "p"}).outcome is Outcome.RED


def test_without_a_baseline_every_failure_is_a_regression():
    assert ids(compare(run({"a": "f"}), baseline=None, reruns={}).regressions) == ["a"]


def test_a_run_that_does_not_end_is_a_regression_and_says_nothing_about_missing_tests():
    now = run({}, exit_code=None, timed_out=True)
    found = compare(now, baseline=Baseline(run=run({"a": "p"})), reruns={})
    assert (found.outcome, ids(found.regressions), found.vanished) == (Outcome.RED, ["time-out"], ())


def test_an_exit_status_that_fails_only_as_on_the_base_blocks_nobody():
    base = run({"a": "p"}, exit_code=2)
    assert compare(run({"a": "p"}, exit_code=2), baseline=Baseline(run=base), reruns={}).green


def test_only_new_failures_of_single_tests_run_again():
    now = run({"a": "f", "b": "f", "c": "p", "d": "e"})
    assert to_rerun(now, baseline=Baseline(run=run({"b": "f", "d": "p"}))) == ("a", "d")
    assert to_rerun(run({"a": "p"}, exit_code=1), baseline=None) == ()
    assert to_rerun(unreadable(), baseline=None) == ()


def test_a_known_flaky_test_does_not_run_again():
    base = Baseline(run=run({"a": "f"}), flaky=frozenset("a"))
    assert to_rerun(run({"a": "f"}), baseline=base) == ()


def test_a_command_judged_by_its_status_runs_again_as_a_whole():
    now = run({}, exit_code=1, report_format=ReportFormat.EXIT_CODE)
    assert to_rerun(now, baseline=None) == ("exit status",)
    found = compare(now, baseline=None, reruns={"exit status": [True, True]})
    assert (found.green, ids(found.flaky)) == (True, ["exit status"])


def test_failures_of_the_base_run_again_there():
    assert to_rerun_on_base(run({"a": "f", "b": "p", "c": "e"})) == ("a", "c")
    assert to_rerun_on_base(unreadable()) == ()


def test_a_landslide_is_no_flakiness():
    many = {f"t{number}": "f" for number in range(MAX_RERUN_TESTS + 1)}
    assert to_rerun(run(many), baseline=None) == ()
    assert to_rerun_on_base(run(many)) == ()


@given(runs, runs, rerun_maps, st.sets(st.sampled_from("abcdefgh")))
def test_every_failure_is_in_exactly_one_group(
    now: dict[str, str], base: dict[str, str], reruns: dict[str, list[bool]], flaky: set[str]
):
    baseline = Baseline(run=run(base), flaky=frozenset(i for i in flaky if base.get(i) in {"f", "e"}))
    found = compare(run(now), baseline=baseline, reruns=reruns)
    grouped = [*ids(found.regressions), *ids(found.flaky), *ids(found.preexisting)]
    assert sorted(grouped) == sorted(i for i, status in now.items() if status in {"f", "e"})
    assert set(found.vanished) == set(base) - set(now)
    assert (found.outcome is Outcome.RED) >= bool(found.regressions)
    assert not (found.green and found.regressions)
    assert not found.green or set(now.values()) & {"p", "f", "e"}


@given(runs)
def test_a_run_compared_with_itself_is_never_red(now: dict[str, str]):
    found = compare(run(now), baseline=Baseline(run=run(now)), reruns={})
    assert found.outcome is not Outcome.RED
    assert found.complete


@given(runs, runs)
def test_what_reruns_can_excuse_is_what_was_asked_to_run_again(now: dict[str, str], base: dict[str, str]):
    baseline = Baseline(run=run(base))
    asked = to_rerun(run(now), baseline=baseline)
    excused = compare(run(now), baseline=baseline, reruns={i: [True, True] for i in asked})
    assert not excused.regressions
    assert set(ids(compare(run(now), baseline=baseline, reruns={}).regressions)) == set(asked)
