from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import (
    EXIT_STATUS_ID,
    TIME_OUT_ID,
    ReportFormat,
    RunEnd,
    RunMeaning,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Unparseable,
    Unreadable,
    decode_run,
    encode_run,
    judge,
    purpose_of,
)

STRUCTURED = [ReportFormat.JUNIT, ReportFormat.JEST_JSON, ReportFormat.TAP]

statuses = st.sampled_from(list(TestStatus))
results_lists = st.lists(st.tuples(st.sampled_from("abcdef"), statuses), max_size=8)


def results(*pairs: tuple[str, TestStatus]) -> list[TestResult]:
    return [TestResult(test_id=name, test_name=name, status=status) for name, status in pairs]


def end(exit_code: int | None = 0, **fields: Any) -> RunEnd:
    return RunEnd(**{"command": "make test", "exit_code": exit_code, "duration_ms": 1500, **fields})


def judged(found: Any, exit_code: int | None = 0, report_format: ReportFormat = ReportFormat.JUNIT) -> TestRun:
    return judge(found, end=end(exit_code), report_format=report_format)


def test_a_run_whose_tests_all_passed_has_passed():
    run = judged(results(("a", TestStatus.PASSED), ("b", TestStatus.SKIPPED)))
    assert isinstance(run, TestReport)
    assert (run.meaning, run.passed, run.failed, run.skipped) == (RunMeaning.PASSED, 1, 0, 1)


def test_a_report_in_which_all_passed_does_not_outweigh_a_failing_exit_status():
    run = judged(results(("a", TestStatus.PASSED)), exit_code=3)
    assert isinstance(run, TestReport)
    assert run.meaning is RunMeaning.FAILED
    assert [failure.test_id for failure in run.failures] == [EXIT_STATUS_ID]
    assert "exit status 3" in (run.failures[0].error or "")


def test_a_failing_exit_status_that_failures_explain_is_not_counted_twice():
    run = judged(results(("a", TestStatus.FAILED)), exit_code=1)
    assert isinstance(run, TestReport)
    assert [failure.test_id for failure in run.failures] == ["a"]


def test_failures_count_though_the_exit_status_is_zero():
    assert judged(results(("a", TestStatus.ERROR))).meaning is RunMeaning.FAILED


@pytest.mark.parametrize("exit_code", [0, 5])
def test_a_run_that_collected_nothing_is_no_pass(exit_code: int):
    assert judged([], exit_code).meaning is RunMeaning.NO_TESTS


def test_a_run_that_collected_nothing_and_failed_otherwise_has_failed():
    assert judged([], 1).meaning is RunMeaning.FAILED


def test_a_run_that_skipped_everything_is_no_pass():
    assert judged(results(("a", TestStatus.SKIPPED))).meaning is RunMeaning.NO_TESTS


@pytest.mark.parametrize("report_format", STRUCTURED)
@pytest.mark.parametrize("exit_code", [0, 1, None])
def test_a_report_that_cannot_be_read_is_never_replaced_by_the_exit_status(
    report_format: ReportFormat, exit_code: int | None
):
    run = judged(Unreadable("the report is empty"), exit_code, report_format)
    assert isinstance(run, Unparseable)
    assert (run.meaning, run.reason) == (RunMeaning.UNPARSEABLE, "the report is empty")


@pytest.mark.parametrize("report_format", list(ReportFormat))
def test_a_time_out_is_a_failure_with_its_own_message(report_format: ReportFormat):
    run = judge(Unreadable("no report"), end=end(None, timed_out=True), report_format=report_format)
    assert isinstance(run, TestReport)
    assert [failure.test_id for failure in run.failures] == [TIME_OUT_ID]
    assert "stopped after 2 s" in (run.failures[0].error or "")


@pytest.mark.parametrize(
    ("exit_code", "meaning"), [(0, RunMeaning.PASSED), (1, RunMeaning.FAILED), (None, RunMeaning.FAILED)]
)
def test_without_a_report_the_exit_status_is_the_one_result(exit_code: int | None, meaning: RunMeaning):
    run = judge((), end=end(exit_code, output_tail="boom"), report_format=ReportFormat.EXIT_CODE)
    assert isinstance(run, TestReport)
    assert (run.meaning, len(run.results)) == (meaning, 1)
    assert ("boom" in (run.results[0].error or "")) == (meaning is RunMeaning.FAILED)


def test_a_test_listed_twice_counts_once_with_its_worse_result():
    run = judged(results(("a", TestStatus.PASSED), ("a", TestStatus.ERROR), ("a", TestStatus.PASSED)), 1)
    assert isinstance(run, TestReport)
    assert [(r.test_id, r.status) for r in run.results] == [("a", TestStatus.ERROR)]


@given(results_lists, st.sampled_from([0, 1, 2, 5, 137, None]))
def test_every_run_with_a_failing_status_means_something_other_than_passed(
    pairs: list[tuple[str, TestStatus]], exit_code: int | None
):
    run = judged(results(*pairs), exit_code)
    anything_failed = any(status in {TestStatus.FAILED, TestStatus.ERROR} for _, status in pairs)
    if exit_code != 0 or anything_failed:
        assert run.meaning is not RunMeaning.PASSED
    if run.meaning is RunMeaning.PASSED:
        assert any(status is TestStatus.PASSED for _, status in pairs)


@given(results_lists, st.sampled_from([0, 1, None]), st.booleans())
def test_a_run_survives_storage_as_json(pairs: list[tuple[str, TestStatus]], exit_code: int | None, readable: bool):
    run = judged(results(*pairs) if readable else Unreadable("gone"), exit_code)
    assert decode_run(json.loads(json.dumps(encode_run(run)))) == run


def test_a_result_as_json_has_the_published_keys():
    result = TestResult(test_id="t::a", test_name="a", status=TestStatus.FAILED, error="no", duration_ms=3)
    assert result.as_dict() == {
        "test_name": "a",
        "passed": False,
        "execution_command": "",
        "test_purpose": "",
        "error": "no",
        "test_id": "t::a",
        "status": "failed",
        "duration_ms": 3,
    }


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("test_adds_two_numbers[1]", "adds two numbers [1]"),
        ("TestSum::test_adds", "adds"),
        ("it adds", "it adds"),
        ("test_", "test_"),
        ("tests/test_sum.py", "tests/test_sum.py"),
        ("test_splits[a::b]", "splits [a::b]"),
    ],
)
def test_a_tests_purpose_is_read_from_its_name(name: str, purpose: str):
    assert purpose_of(name) == purpose
