"""Reads what `go test -json` writes: one event a line, and for older versions of Go what it prints beside them.

A package whose tests do not compile, or whose run fails beside its tests, is an error named after the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adw.domain.testing import TestResult, TestStatus, Unreadable, purpose_of
from adw.workspace.commands.identity import clip, join_id
from adw.workspace.commands.tree import table

_LONGEST_S = 1_000_000
_MAX_REASON = 1_000
_ENDS = {"pass": TestStatus.PASSED, "fail": TestStatus.FAILED, "skip": TestStatus.SKIPPED}
# Versions before 1.24 say this between the events, and why on the standard error.
_NOT_BUILT = re.compile(r"FAIL\t(\S+) \[(?:build|setup) failed\]")
_HEADING = re.compile(r"# (\S+)")
_FRAME = re.compile(r"=== [A-Z]+ |\s*--- (PASS|FAIL|SKIP): ")


@dataclass(slots=True)
class _Test:
    """A test, or a package as a whole, while its events are read."""

    status: TestStatus | None = None
    output: list[str] = field(default_factory=list[str])
    duration_ms: int = 0


@dataclass(slots=True)
class _Package:
    tests: dict[str, _Test] = field(default_factory=dict[str, _Test])
    whole: _Test = field(default_factory=_Test)
    failed_build: str = ""


@dataclass(slots=True)
class _Events:
    packages: dict[str, _Package] = field(default_factory=dict[str, _Package])
    builds: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def parse_go_json(data: bytes, *, printed: str) -> tuple[TestResult, ...] | Unreadable:
    """The tests of all packages, sub-tests as tests of their own. `printed` is what the command wrote elsewhere."""
    events = _Events()
    for line in data.decode(errors="replace").split("\n"):
        problem = _take(events, line, printed)
        if problem is not None:
            return problem
    if not events.packages:
        said = clip(printed)[-_MAX_REASON:]
        return Unreadable(f"the report holds no event of `go test -json`{': ' if said else ''}{said}")
    for name, package in events.packages.items():
        if package.whole.status is None:
            return Unreadable(f"the report breaks off: the end of {name} is missing")
    return tuple(result for name, package in events.packages.items() for result in _results(events, name, package))


def _take(events: _Events, line: str, printed: str) -> Unreadable | None:
    if match := _NOT_BUILT.match(line):
        package = events.packages.setdefault(match[1], _Package())
        package.whole = _Test(status=TestStatus.FAILED, output=[_complaints(printed, match[1])])
        return None
    if not line.startswith("{"):  # a note of the go command itself
        return None
    try:
        event = table(json.loads(line))
    except (ValueError, RecursionError) as error:
        return Unreadable(f"the report holds a line that is not valid JSON: {error}")
    _record(events, event)
    return None


def _record(events: _Events, event: dict[str, Any]) -> None:
    action, package_name, test_name = (str(event.get(key) or "") for key in ("Action", "Package", "Test"))
    if action == "build-output":
        events.builds.setdefault(str(event.get("ImportPath")), []).append(str(event.get("Output") or ""))
    if not package_name:
        return
    package = events.packages.setdefault(package_name, _Package())
    test = package.tests.setdefault(test_name, _Test()) if test_name else package.whole
    if action == "output":
        test.output.append(str(event.get("Output") or ""))
    elif action in _ENDS:
        test.status = _ENDS[action]
        test.duration_ms = _milliseconds(event.get("Elapsed"))
        package.failed_build = str(event.get("FailedBuild") or package.failed_build)


def _results(events: _Events, name: str, package: _Package) -> Iterator[TestResult]:
    results = [_result(name, test_name, test, package.whole) for test_name, test in package.tests.items()]
    yield from results
    if package.whole.status is TestStatus.FAILED and not any(result.failed for result in results):
        build = events.builds.get(package.failed_build, package.whole.output)
        yield TestResult(
            test_id=name,
            test_name=name,
            status=TestStatus.ERROR,
            test_purpose="the tests of the package can be built and run",
            error=clip("".join(build)) or "failed",
            duration_ms=package.whole.duration_ms,
        )


def _result(package: str, name: str, test: _Test, whole: _Test) -> TestResult:
    # A test that never ended took the whole run with it: it panicked, left, or ran out of time.
    status = test.status or TestStatus.ERROR
    output = test.output if test.status else ["it did not end\n", *test.output, *whole.output]
    failed = status in {TestStatus.FAILED, TestStatus.ERROR}
    return TestResult(
        test_id=join_id(package, name),
        test_name=name,
        status=status,
        test_purpose=purpose_of(name),
        error=_said(output) or "failed" if failed else None,
        duration_ms=test.duration_ms,
    )


def _said(output: list[str]) -> str:
    lines = "".join(output).split("\n")
    return clip("\n".join(line for line in lines if not _FRAME.match(line)))


def _complaints(printed: str, package: str) -> str:
    """What the compiler said of a package; of all packages, if the fault lies in one that it uses."""
    blocks: dict[str, list[str]] = {}
    current: list[str] = []
    for line in printed.splitlines():
        if match := _HEADING.match(line):
            current = blocks.setdefault(match[1], [])
        current.append(line)
    own = blocks.get(package)
    return "\n".join(own or [line for block in blocks.values() for line in block])


def _milliseconds(seconds: object) -> int:
    return round(seconds * 1000) if isinstance(seconds, int | float) and 0 <= seconds <= _LONGEST_S else 0
