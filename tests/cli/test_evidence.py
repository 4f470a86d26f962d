from __future__ import annotations

from typing import Any

import pytest

from adw.cli.evidence import print_workflow

USED = {"requests": 2, "inputTokens": 30, "outputTokens": 4, "costUsd": None}


def phase(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "status": "completed", "attempts": 1, "durationMs": 1500, **USED} | changes


def view(**changes: Any) -> Any:
    return {
        "adwId": "0a1b2c3d",
        "workflowType": "plan-build-test",
        "status": "failed",
        "waitReason": None,
        "queuedBecause": None,
        "dependsOn": [],
        "waitScope": None,
        "resumeAt": None,
        "phase": "testing",
        "projectId": "shop-1",
        "issueNumber": 7,
        "issueTitle": "Fix\x1b[2J the date",
        "baseBranch": "main",
        "baseSha": "b" * 40,
        "headSha": "c" * 40,
        "branchName": "bug-7",
        "prNumber": 8,
        "prState": "draft",
        "planFile": None,
        "worktreeExists": False,
        "worktreePath": "x",
        "budgetUsd": 2,
        "spentUsd": 0.25,
        "usage": USED,
        "createdAt": "2026-05-01T12:00:00Z",
        "startedAt": "2026-05-01T12:00:00Z",
        "completedAt": "2026-05-01T12:01:05Z",
        "failure": {"class": "gate_failed", "message": "2 tests fail", "advice": "Look."},
        "phases": [phase("plan", costUsd=0.25), phase("test", status="failed", attempts=2)],
        "tests": {"before": {"passed": 3, "failed": 0, "skipped": 1}, "afterBuild": None, "final": None},
        "approvals": [],
        "heldBy": None,
        "forkedFrom": None,
        "forks": [],
        "unheard": [],
        "clashes": [],
    } | changes


def evidence(**changes: Any) -> Any:
    return {
        "gate": "tests",
        "phase": "test",
        "attempt": 2,
        "outcome": "failed",
        "commit": "c" * 40,
        "summary": "2 tests failed",
        "superseded": False,
        "artifact": "tests-test-2-0.json",
        "failures": [],
        "failureCount": 0,
    } | changes


def failing(number: int, error: str | None = None) -> dict[str, Any]:
    return {"testId": f"test_it.py::test_{number}", "kind": "regression", "error": error, "command": None}


def attempt(**changes: Any) -> Any:
    failure = {"class": "gate_failed", "message": "one\ntwo", "phase": "test"}
    return {"phase": "test", "attempt": 1, "failure": failure, "summary": None} | changes


def lines(capsys: pytest.CaptureFixture[str], *args: Any, **named: Any) -> list[str]:
    print_workflow(*args, **{"evidence": [], "attempts": []} | named)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_phases_are_told_with_time_cost_and_tokens_and_their_total(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, view())
    assert "plan completed 1 1.5 s $0.25 30 4" in told
    assert "test failed 2 1.5 s unknown 30 4" in told
    assert "total 3 1 m 05 s unknown 30 4" in told
    assert "spent unknown, at least $0.25 of $2.00" in told
    assert "base main at bbbbbbbbbb" in told
    assert "branch bug-7 at cccccccccc" in told
    assert "before 3 0 1" in told
    assert not any("\x1b" in line for line in told)


def test_a_workflow_that_has_hardly_begun_is_told_without_inventions(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"issueNumber": None, "headSha": None, "branchName": None, "startedAt": None, "completedAt": None}
    nothing |= {"failure": None, "phases": [], "prNumber": None, "budgetUsd": None}
    told = lines(capsys, view(**nothing, usage={**USED, "costUsd": 0}, spentUsd=0))
    assert "total 0 - $0.00 30 4" in told
    assert not any(line.startswith(("branch", "pull", "failure")) for line in told)


def test_every_gate_is_told_with_commit_attempt_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        evidence(gate="diff", phase="build", outcome="passed", artifact=None, superseded=True),
        evidence(outcome="not_applicable"),
    ]
    told = lines(capsys, view(), evidence=found)
    assert "diff build 2 passed (superseded) cccccccccc 2 tests failed" in told
    assert "tests test 2 not applicable cccccccccc 2 tests failed tests-test-2-0.json" in told


def test_failing_tests_are_named_with_the_first_lines_of_their_errors(capsys: pytest.CaptureFixture[str]) -> None:
    error = "\n".join(f"line {number}\x1b[0m" for number in range(9))
    failures = [failing(0, error), *(failing(number) for number in range(1, 15))]
    told = lines(capsys, view(), evidence=[evidence(failures=failures, failureCount=40)])
    start = told.index("tests in test 2 at cccccccccc:")
    assert told[start + 1 : start + 7] == [
        "regression: test_it.py::test_0",
        *(f"line {number}\ufffd[0m" for number in range(4)),
        "regression: test_it.py::test_1",
    ]
    assert told[start + 15] == "and 30 more"


def test_failed_attempts_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, view(), attempts=[attempt(), attempt(attempt=2, failure=None)])
    assert "test 1 gate_failed one" in told
    assert not any(line.startswith("test 2") for line in told)


def test_what_a_model_says_of_an_attempt_is_told_below(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, view(), attempts=[attempt(summary="It broke."), attempt(attempt=2, summary="It\x1b held.")])
    assert "test: It broke." in told
    assert "test 2: It\ufffd held." in told


def test_it_says_how_to_see_a_report_and_how_to_answer(capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"id": "12345678-aaaa", "kind": "plan", "question": "May it?"}
    print_workflow(view(approvals=[asked]), evidence=[evidence()], attempts=[])
    printed = capsys.readouterr()
    assert "adw approval allow 12345678" in printed.out
    assert "adw workflow artifacts 0a1b2c3d NAME" in printed.err
