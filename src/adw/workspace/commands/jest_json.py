"""Reads what jest writes with `--json`: it has no JUnit reporter of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from adw.domain.testing import TestResult, TestStatus, Unreadable
from adw.workspace.commands.identity import Locator, clip, join_id
from adw.workspace.commands.tree import items, strings, table

_LONGEST_MS = 1_000_000_000

_STATUSES = {
    "passed": TestStatus.PASSED,
    "failed": TestStatus.FAILED,
    "pending": TestStatus.SKIPPED,
    "skipped": TestStatus.SKIPPED,
    "todo": TestStatus.SKIPPED,
    "disabled": TestStatus.SKIPPED,
}


def parse_jest_json(data: bytes, *, locator: Locator) -> tuple[TestResult, ...] | Unreadable:
    """The tests of one report, in its order. A file that could not be loaded is an error named after it."""
    if not data.strip():
        return Unreadable("the report is empty")
    try:
        report = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Unreadable(f"the report is not valid JSON: {error}")
    if not isinstance(table(report).get("testResults"), list):
        return Unreadable("the report is not jest's: it has no list `testResults`")
    return tuple(result for file in items(report["testResults"]) for result in _file(table(file), locator))


def _file(file: dict[str, Any], locator: Locator) -> Iterator[TestResult]:
    path = locator.relative(str(file.get("name") or ""))
    tests = [table(test) for test in items(file.get("assertionResults"))]
    yield from (_test(test, path) for test in tests)
    if file.get("status") == "failed" and not any(test.get("status") == "failed" for test in tests):
        yield TestResult(
            test_id=path,
            test_name=path,
            status=TestStatus.ERROR,
            test_purpose="the file can be loaded and run",
            error=clip(str(file.get("message") or "")) or "failed",
        )


def _test(test: dict[str, Any], path: str) -> TestResult:
    name = str(test.get("fullName") or test.get("title") or "")
    # A status that is not known yet must not pass for success.
    status = _STATUSES.get(str(test.get("status")), TestStatus.ERROR)
    failed = status in {TestStatus.FAILED, TestStatus.ERROR}
    return TestResult(
        test_id=join_id(path, name),
        test_name=name,
        status=status,
        test_purpose=name,
        error=clip("\n\n".join(strings(test.get("failureMessages")))) or str(test.get("status")) if failed else None,
        duration_ms=_milliseconds(test.get("duration")),
    )


def _milliseconds(duration: object) -> int:
    return round(duration) if isinstance(duration, int | float) and 0 <= duration <= _LONGEST_MS else 0
