"""Reads the Test Anything Protocol, version 12 to 14, from what a test command printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from adw.domain.testing import TestResult, TestStatus, Unreadable, purpose_of
from adw.workspace.commands.identity import clip

_POINT = re.compile(
    r"(?P<not>not )?ok\b(?: (?P<number>\d+))?(?:\s*-)?\s*(?P<name>.*?)"
    r"(?:\s#\s*(?P<directive>skip|todo)\S*\s*(?P<why>.*))?$",
    re.IGNORECASE,
)
_PLAN = re.compile(r"1\.\.(\d+)(?:\s*#.*)?$")
_BAIL = re.compile(r"Bail out!\s*(.*)")
_DIAGNOSTIC = re.compile(r"\s+\S|#")


def parse_tap(text: str) -> tuple[TestResult, ...] | Unreadable:
    """The top-level test points, in their order. Without a plan that they fill, nobody knows what is missing."""
    lines = text.splitlines()
    plans = [int(match[1]) for line in lines if (match := _PLAN.match(line))]
    results = tuple(_numbered(_points(lines)))
    bail = next((match[1] for line in lines if (match := _BAIL.match(line))), None)
    if bail is not None:
        return (*results, _bailed_out(bail))
    if len(plans) != 1:
        return Unreadable("the output is not TAP: it has no plan" if not plans else "the output has more than one plan")
    if plans[0] != len(results):
        return Unreadable(f"the plan promised {plans[0]} tests, and {len(results)} were reported")
    return results


def _points(lines: Sequence[str]) -> Iterator[TestResult]:
    for index, line in enumerate(lines):
        match = _POINT.match(line)
        if match is None or not re.match(r"(not )?ok(\s|$)", line):
            continue
        name = match["name"].strip() or f"test {match['number'] or index}"
        status = _status(failed=bool(match["not"]), directive=match["directive"])
        error = clip("\n".join(_diagnostics(lines[index + 1 :]))) or "not ok" if status is TestStatus.FAILED else None
        yield TestResult(test_id=name, test_name=name, status=status, test_purpose=purpose_of(name), error=error)


def _status(*, failed: bool, directive: str | None) -> TestStatus:
    if directive is not None and (failed or directive.lower() == "skip"):
        return TestStatus.SKIPPED
    return TestStatus.FAILED if failed else TestStatus.PASSED


def _diagnostics(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if not _DIAGNOSTIC.match(line) or _POINT.match(line):
            return
        yield line.strip()


def _numbered(results: Iterator[TestResult]) -> Iterator[TestResult]:
    """Points that share a name are told apart by a number, or one of them would hide another."""
    seen: dict[str, int] = {}
    for result in results:
        seen[result.test_id] = seen.get(result.test_id, 0) + 1
        number = seen[result.test_id]
        yield result if number == 1 else replace(result, test_id=f"{result.test_id} ({number})")


def _bailed_out(why: str) -> TestResult:
    name = "bail out"
    return TestResult(
        test_id=name,
        test_name=name,
        status=TestStatus.ERROR,
        test_purpose="the run reaches its end",
        error=why or name,
    )
