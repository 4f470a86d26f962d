"""What a run of a project's tests means.

Results come from the project's own runner, read from a report whose format was fixed before the run. These rules
decide what counts: a report that should be there and is not is a failure, and a run of nothing is never a success.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import TypeAdapter

EXIT_STATUS_ID = "exit status"
TIME_OUT_ID = "time-out"
SYNTHETIC_IDS = frozenset({EXIT_STATUS_ID, TIME_OUT_ID})
"""Results that stand for the command as a whole, not for one of its tests."""

_PYTEST_COLLECTED_NOTHING = 5


class ReportFormat(StrEnum):
    """How a run says what happened; fixed before the run."""

    JUNIT = "junit"
    JEST_JSON = "jest_json"
    TAP = "tap"
    GO_JSON = "go_json"
    CARGO = "cargo"
    MAVEN = "maven"
    GRADLE = "gradle"
    EXIT_CODE = "exit_code"


class TestStatus(StrEnum):
    """How one test ended. `error` is a failure outside the test's own body."""

    __test__ = False  # pytest is not to collect it

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class RunMeaning(StrEnum):
    """What a run as a whole says."""

    PASSED = "passed"
    FAILED = "failed"
    NO_TESTS = "no_tests"
    UNPARSEABLE = "unparseable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test of one run. `test_id` is stable from run to run; `execution_command` repeats it."""

    __test__: ClassVar[bool] = False

    test_id: str
    test_name: str
    status: TestStatus
    execution_command: str = ""
    test_purpose: str = ""
    error: str | None = None
    duration_ms: int = 0

    @property
    def passed(self) -> bool:
        """Whether it did not fail; a skipped test did not fail."""
        return not self.failed

    @property
    def failed(self) -> bool:
        return self.status in {TestStatus.FAILED, TestStatus.ERROR}

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON: the published five keys and what else is known."""
        return {
            "test_name": self.test_name,
            "passed": self.passed,
            "execution_command": self.execution_command,
            "test_purpose": self.test_purpose,
            "error": self.error,
            "test_id": self.test_id,
            "status": self.status.value,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a test command ended, whatever it reported. `output_tail` is the end of what it printed."""

    command: str
    exit_code: int | None
    duration_ms: int = 0
    timed_out: bool = False
    output_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport(RunEnd):
    """A run that said what happened."""

    __test__: ClassVar[bool] = False

    format: ReportFormat
    results: tuple[TestResult, ...]

    @property
    def passed(self) -> int:
        return sum(result.status is TestStatus.PASSED for result in self.results)

    @property
    def failed(self) -> int:
        return sum(result.failed for result in self.results)

    @property
    def skipped(self) -> int:
        return sum(result.status is TestStatus.SKIPPED for result in self.results)

    @property
    def failures(self) -> tuple[TestResult, ...]:
        return tuple(result for result in self.results if result.failed)

    @property
    def meaning(self) -> RunMeaning:
        if self.failed:
            return RunMeaning.FAILED
        return RunMeaning.PASSED if self.passed else RunMeaning.NO_TESTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Unparseable(RunEnd):
    """A run whose report was expected and is missing, empty or invalid: a failure, never a pass."""

    format: ReportFormat
    reason: str

    @property
    def meaning(self) -> RunMeaning:
        return RunMeaning.UNPARSEABLE


TestRun = TestReport | Unparseable


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a report could not be read."""

    reason: str


def judge(found: Sequence[TestResult] | Unreadable, *, end: RunEnd, report_format: ReportFormat) -> TestRun:
    """What a run means, from what was read of its report and how it ended. For `exit_code`, `found` is ignored."""
    if end.timed_out:
        return _report(end, report_format, [_time_out(end)])
    if report_format is ReportFormat.EXIT_CODE:
        return _report(end, report_format, [_exit_status(end)])
    if isinstance(found, Unreadable):
        return Unparseable(**_end_fields(end), format=report_format, reason=found.reason)
    results = list(_without_duplicates(found))
    if end.exit_code != 0 and not _explains_exit(results, end.exit_code):
        results.append(_exit_status(end))
    return _report(end, report_format, results)


def purpose_of(name: str) -> str:
    """A sentence out of a test's name: `test_adds_two_numbers[1]` is `adds two numbers [1]`."""
    last = re.sub(r"^[^\[]*::", "", name)
    if "/" in last.partition("[")[0]:  # a file, not a sentence
        return name
    words = re.sub(r"^test[_ ]", "", last, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", words.replace("_", " ").replace("[", " [")).strip() or name


def encode_run(run: TestRun) -> dict[str, Any]:
    """A run as JSON, for evidence and for a stored baseline."""
    return _RUNS.dump_python(run, mode="json")


def decode_run(data: Mapping[str, Any]) -> TestRun:
    """The inverse of `encode_run`. Raises pydantic's `ValidationError` for anything else."""
    return _RUNS.validate_python(data)


_RUNS: TypeAdapter[TestRun] = TypeAdapter(TestRun)


def _explains_exit(results: Sequence[TestResult], exit_code: int | None) -> bool:
    """Whether a non-zero exit status follows from the results: something failed, or nothing was there to run."""
    return any(result.failed for result in results) or (not results and exit_code == _PYTEST_COLLECTED_NOTHING)


def _without_duplicates(results: Iterable[TestResult]) -> Iterable[TestResult]:
    """One result for each id, the worst of them: a runner may list a test and its broken clean-up separately."""
    worst: dict[str, TestResult] = {}
    for result in results:
        known = worst.get(result.test_id)
        if known is None or (result.failed and not known.failed):
            worst[result.test_id] = result
    return worst.values()


def _exit_status(end: RunEnd) -> TestResult:
    failed = end.exit_code != 0
    how = f"exit status {end.exit_code}" if end.exit_code is not None else "ended by a signal"
    return TestResult(
        test_id=EXIT_STATUS_ID,
        test_name=EXIT_STATUS_ID,
        status=TestStatus.FAILED if failed else TestStatus.PASSED,
        execution_command=end.command,
        test_purpose="the test command ends with status 0",
        error=f"{how}\n{end.output_tail}".rstrip() if failed else None,
        duration_ms=end.duration_ms,
    )


def _time_out(end: RunEnd) -> TestResult:
    seconds = f"{end.duration_ms / 1000:.0f} s"
    return replace(
        _exit_status(end),
        test_id=TIME_OUT_ID,
        test_name=TIME_OUT_ID,
        status=TestStatus.ERROR,
        test_purpose="the test command ends in time",
        error=f"stopped after {seconds} without ending\n{end.output_tail}".rstrip(),
    )


def _report(end: RunEnd, report_format: ReportFormat, results: Iterable[TestResult]) -> TestReport:
    return TestReport(**_end_fields(end), format=report_format, results=tuple(results))


def _end_fields(end: RunEnd) -> dict[str, Any]:
    return {
        "command": end.command,
        "exit_code": end.exit_code,
        "duration_ms": end.duration_ms,
        "timed_out": end.timed_out,
        "output_tail": end.output_tail,
    }
