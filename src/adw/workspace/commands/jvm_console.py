"""Reads from what Maven and Gradle print what their reports leave out: goals and tasks that failed beside the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adw.domain.testing import EXIT_STATUS_ID, ReportFormat, TestResult, TestStatus
from adw.workspace.commands.identity import clip, without_colours

_GOAL = re.compile(
    r"\[ERROR\] Failed to execute goal (?:[^\s:]+:(?P<plugin>[^\s:]+):[^\s:]+:(?P<goal>\S+) \([^)]*\) )?"
    r"on project (?P<project>[^\s:]+): ?(?P<why>.*)"
)
_MAVEN_HELP = "-> [Help"
_MAVEN_ADVICE = "[ERROR] To see the full stack trace"
_MAVEN_FORK = re.compile(r"\[ERROR\] (There was (?:a timeout|an error) in the fork.*)")
_MAVEN_TESTS_FAILED = "There are test failures"
_MAVEN_NO_TESTS = re.compile(r"No tests to run|Tests are skipped|No tests were found")

_WENT_WRONG = re.compile(r"^\* What went wrong:\n(?P<what>.+)\n(?P<why>(?:(?!\* Try).*\n)*)", re.MULTILINE)
_TASK = re.compile(r"Execution failed for task '(?P<task>[^']+)'")
_GRADLE_TESTS_FAILED = "There were failing tests"
_GRADLE_NO_TESTS = re.compile(r"^(?:> Task )?:(?:\S+:)?test NO-SOURCE$", re.MULTILINE)
_NEXT_TASK = re.compile(r"^(?:> Task )?:|^FAILURE:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Tool:
    failures: Callable[[str], Iterator[TestResult]]
    no_tests: re.Pattern[str]


def without_reports(
    output: str, exit_code: int | None, *, report_format: ReportFormat
) -> tuple[TestResult, ...] | None:
    """What a run means that wrote no report: it had no tests, or it failed before them. None when it does not say."""
    tool, text = _TOOLS[report_format], without_colours(output)
    failures = list(tool.failures(text))
    if failures:
        error = clip("\n\n".join(f"{each.test_name}\n{each.error}" for each in failures))
        return (_failure(EXIT_STATUS_ID, error),)
    return () if exit_code == 0 and tool.no_tests.search(text) else None


def build_failures(output: str, *, report_format: ReportFormat) -> tuple[TestResult, ...]:
    """The goals or tasks that failed for another reason than failing tests, each an error of its own."""
    return tuple(_TOOLS[report_format].failures(without_colours(output)))


def _maven(output: str) -> Iterator[TestResult]:
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if match := _MAVEN_FORK.match(line):
            yield _failure("the virtual machine of the tests", match[1])
        match = _GOAL.match(line)
        if match is None or _MAVEN_TESTS_FAILED in match["why"]:
            continue
        goal = f"{match['plugin']}:{match['goal']}" if match["plugin"] else "dependencies"
        error = "\n".join(
            [match["why"].partition(_MAVEN_HELP)[0], *_until_help([] if _MAVEN_HELP in line else lines[number + 1 :])]
        )
        if _MAVEN_TESTS_FAILED not in error:
            yield _failure(f"{match['project']} {goal}", error)


def _until_help(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith(_MAVEN_ADVICE):
            return
        yield line.partition(_MAVEN_HELP)[0].removeprefix("[ERROR]").removeprefix(" ")
        if _MAVEN_HELP in line:
            return


def _gradle(output: str) -> Iterator[TestResult]:
    for match in _WENT_WRONG.finditer(output):
        what, why = match["what"].strip(), match["why"].strip()
        if _GRADLE_TESTS_FAILED in why:
            continue
        task = _TASK.match(what)
        said = _said_by_task(output[: match.start()], task["task"]) if task else ""
        yield _failure(task["task"] if task else what, f"{what}\n{why}\n{said}")


def _said_by_task(output: str, task: str) -> str:
    """What was printed between a task's name and the next one: older versions go on right behind the name."""
    start = re.search(rf"^(?:> Task )?{re.escape(task)}(?![\w:-])", output, re.MULTILINE)
    if start is None:
        return ""
    end = _NEXT_TASK.search(output, start.end())
    return output[start.end() : end.start() if end else len(output)].strip()


def _failure(name: str, error: str) -> TestResult:
    return TestResult(
        test_id=name,
        test_name=name,
        status=TestStatus.ERROR,
        test_purpose="what the tests need can be built and run",
        error=clip(error) or "failed",
    )


_TOOLS = {
    ReportFormat.MAVEN: _Tool(_maven, _MAVEN_NO_TESTS),
    ReportFormat.GRADLE: _Tool(_gradle, _GRADLE_NO_TESTS),
}
