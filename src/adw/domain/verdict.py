"""How a run of the tests compares with the run on the untouched base: what broke, what was broken, what is unsteady.

Three rules are settled here: a test that fails now and not on the base runs again alone, and passing every time makes
it flaky; a failure of the base blocks nobody; a test that is gone, or skipped from now on, is never overlooked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adw.domain.testing import (
    EXIT_STATUS_ID,
    SYNTHETIC_IDS,
    TIME_OUT_ID,
    ReportFormat,
    RunMeaning,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Unparseable,
)

MAX_RERUN_TESTS = 20
"""More tests than this failing at once is not flakiness; none of them is run again."""
RERUNS_ON_HEAD = 2


class Outcome(StrEnum):
    """What a comparison with the base says to the gate."""

    GREEN = "green"
    RED = "red"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The run on the untouched base commit, and the tests that gave both answers there."""

    run: TestRun
    flaky: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A run compared with the base.

    `silenced` tests ran on the base and are skipped now; with `vanished` ones they are findings for review and
    forbid an unattended merge, though they do not make the verdict red.
    """

    outcome: Outcome
    reason: str
    regressions: tuple[TestResult, ...] = ()
    flaky: tuple[TestResult, ...] = ()
    preexisting: tuple[TestResult, ...] = ()
    fixed: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    silenced: tuple[str, ...] = ()

    @property
    def green(self) -> bool:
        return self.outcome is Outcome.GREEN

    @property
    def complete(self) -> bool:
        """Whether every test that ran on the base still runs."""
        return not self.vanished and not self.silenced


def to_rerun(now: TestRun, *, baseline: Baseline | None) -> tuple[str, ...]:
    """The tests to run again alone, `RERUNS_ON_HEAD` times, before calling them regressions."""
    if isinstance(now, Unparseable) or not _can_compare(baseline):
        return ()
    ids = tuple(result.test_id for result in _new_failures(now, baseline) if _can_rerun(result.test_id, now.format))
    return ids if len(ids) <= MAX_RERUN_TESTS else ()


def to_rerun_on_base(run: TestRun) -> tuple[str, ...]:
    """The base's failures to run once more there."""
    if isinstance(run, Unparseable):
        return ()
    ids = tuple(result.test_id for result in run.failures if _can_rerun(result.test_id, run.format))
    return ids if len(ids) <= MAX_RERUN_TESTS else ()


def settle_baseline(run: TestRun, *, reruns: Mapping[str, Sequence[bool]]) -> Baseline:
    """The baseline, after its failures ran once more: those that then passed are flaky."""
    failing = _failing_ids(run)
    return Baseline(run=run, flaky=frozenset(i for i in failing if any(reruns.get(i, ()))))


def compare(now: TestRun, *, baseline: Baseline | None, reruns: Mapping[str, Sequence[bool]]) -> Verdict:
    """Judges a run against the base. `reruns` says for each test of `to_rerun` whether it passed, in order.

    Without a baseline every failure is a regression; with one that could not run, the gate does not apply.
    """
    if not _can_compare(baseline):
        return Verdict(outcome=Outcome.NOT_APPLICABLE, reason=why_not_comparable(baseline))
    if isinstance(now, Unparseable):
        return Verdict(outcome=Outcome.RED, reason=f"the test report cannot be used: {now.reason}")
    return _compare_reports(now, baseline, reruns)


def _compare_reports(now: TestReport, baseline: Baseline | None, reruns: Mapping[str, Sequence[bool]]) -> Verdict:
    base = {result.test_id: result for result in _results(baseline)}
    known_flaky = baseline.flaky if baseline else frozenset[str]()
    fresh = _new_failures(now, baseline)
    unsteady = {r.test_id for r in fresh if _passed_every_rerun(reruns.get(r.test_id, ()))} | known_flaky
    regressions = tuple(r for r in fresh if r.test_id not in unsteady)
    flaky = tuple(r for r in now.failures if r.test_id in unsteady)
    outcome, reason = _outcome(
        now, regressions, flaky, tests_on_base=any(r.status is not TestStatus.SKIPPED for r in base.values())
    )
    return Verdict(
        outcome=outcome,
        reason=reason,
        regressions=regressions,
        flaky=flaky,
        preexisting=tuple(r for r in now.failures if r not in fresh and r.test_id not in unsteady),
        fixed=_fixed(now, base),
        vanished=_vanished(now, base),
        silenced=_silenced(now, base),
    )


def _outcome(
    now: TestReport, regressions: tuple[TestResult, ...], flaky: tuple[TestResult, ...], *, tests_on_base: bool
) -> tuple[Outcome, str]:
    if regressions:
        return Outcome.RED, f"{_count(len(regressions), 'test')} failed that did not fail on the base"
    if now.meaning is RunMeaning.NO_TESTS:
        why = f"all {_count(now.skipped, 'test')} were skipped" if now.skipped else "no tests were found"
        return (Outcome.RED, f"{why}, but the base has tests") if tests_on_base else (Outcome.NOT_APPLICABLE, why)
    if not now.passed and not flaky:
        return Outcome.NOT_APPLICABLE, f"nothing passed: {_count(now.failed, 'test')} failed as on the base"
    if not now.failed:
        return Outcome.GREEN, f"{_count(now.passed, 'test')} passed"
    return Outcome.GREEN, f"{_count(now.passed, 'test')} passed, {now.failed} failed as on the base or not steadily"


def _new_failures(now: TestReport, baseline: Baseline | None) -> tuple[TestResult, ...]:
    old = {result.test_id for result in _results(baseline) if result.failed}
    return tuple(result for result in now.failures if result.test_id not in old)


def _fixed(now: TestReport, base: Mapping[str, TestResult]) -> tuple[str, ...]:
    passing = (result.test_id for result in now.results if result.status is TestStatus.PASSED)
    return tuple(i for i in passing if i in base and base[i].failed)


def _vanished(now: TestReport, base: Mapping[str, TestResult]) -> tuple[str, ...]:
    if now.timed_out:  # the run did not get as far as telling
        return ()
    present = {result.test_id for result in now.results}
    return tuple(i for i in base if i not in present and i not in SYNTHETIC_IDS)


def _silenced(now: TestReport, base: Mapping[str, TestResult]) -> tuple[str, ...]:
    skipped = (result.test_id for result in now.results if result.status is TestStatus.SKIPPED)
    return tuple(i for i in skipped if i in base and base[i].status is not TestStatus.SKIPPED)


def _passed_every_rerun(passes: Sequence[bool]) -> bool:
    return len(passes) >= RERUNS_ON_HEAD and all(passes)


def _can_compare(baseline: Baseline | None) -> bool:
    return baseline is None or not why_not_comparable(baseline)


def why_not_comparable(baseline: Baseline | None) -> str:
    """Why a baseline says nothing; empty when it does say something."""
    run = baseline.run if baseline else None
    if run is None:
        return ""
    if isinstance(run, Unparseable):
        return f"the tests cannot run on the base: {run.reason}"
    if run.timed_out:
        return "the tests do not end on the base"
    if run.format is ReportFormat.EXIT_CODE and run.failed:
        return "the test command already fails on the base, and its exit status cannot tell old failures from new ones"
    if {result.test_id for result in run.results} == {EXIT_STATUS_ID} and run.failed:
        return "the test command fails on the base before it runs a test"
    return ""


def _can_rerun(test_id: str, report_format: ReportFormat) -> bool:
    if report_format is ReportFormat.EXIT_CODE:
        return test_id != TIME_OUT_ID
    return test_id not in SYNTHETIC_IDS


def _results(baseline: Baseline | None) -> tuple[TestResult, ...]:
    return baseline.run.results if baseline and isinstance(baseline.run, TestReport) else ()


def _failing_ids(run: TestRun) -> tuple[str, ...]:
    return () if isinstance(run, Unparseable) else tuple(result.test_id for result in run.failures)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
