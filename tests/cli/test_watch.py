from __future__ import annotations

from typing import Any

import pytest

from adw.cli.running import tell_outcome
from adw.cli.watch import answer_lines, exit_code_of, is_settled
from adw.kit.errors import ExitCode


def view(**changes: Any) -> Any:
    return {
        "adwId": "0a1b2c3d",
        "status": "completed",
        "waitReason": None,
        "usage": {"costUsd": 0.5},
        "failure": None,
        "prNumber": None,
        "prState": "none",
        "branchName": None,
        "approvals": [],
    } | changes


@pytest.mark.parametrize(
    ("status", "reason", "settled", "code"),
    [
        ("completed", None, True, ExitCode.OK),
        ("failed", None, True, ExitCode.FAILED),
        ("cancelled", None, True, ExitCode.FAILED),
        ("waiting", "approval", True, ExitCode.WAITING),
        ("waiting", "budget", True, ExitCode.WAITING),
        ("waiting", "question", True, ExitCode.WAITING),
        ("waiting", "usage_limit", False, None),
        ("waiting", "ci", False, None),
        ("paused", "approval", False, None),
        ("queued", None, False, None),
        ("active", None, False, None),
    ],
)
def test_waiting_stops_when_nothing_more_happens_by_itself(
    status: str, reason: str | None, settled: bool, code: ExitCode | None
) -> None:
    seen = view(status=status, waitReason=reason)

    assert is_settled(seen) is settled
    if code is not None:
        assert exit_code_of(seen) is code


def test_a_question_comes_with_the_commands_that_answer_it() -> None:
    asked = {"id": "12345678-aaaa-bbbb-cccc-1234567890ab", "kind": "budget", "question": "Spend more?"}

    lines = answer_lines(view(status="waiting", waitReason="budget", approvals=[asked]))

    assert lines == [
        "Spend more?",
        "  adw approval allow 12345678 --budget USD",
        '  adw approval deny 12345678 --reason "..."',
    ]
    assert answer_lines(view()) == ["see `adw workflow show 0a1b2c3d`"]


def test_the_end_names_the_pull_request_and_what_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    done = view(prNumber=2, prState="ready", branchName="bug-1")

    tell_outcome(done, repo="/srv/shop")
    tell_outcome(done, repo=".")

    err = capsys.readouterr().err
    assert "pull request #2 is ready: bug-1" in err
    assert "adw pr merge 2 --repo /srv/shop\n" in err
    assert "adw pr show 2\n" in err


def test_a_failure_is_told_with_its_class_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    failure = {
        "class": "gate_failed",
        "message": "2 tests fail",
        "phase": "test",
        "advice": "Look at the tests.",
        "nextActions": ["adw workflow retry 0a1b2c3d"],
    }

    tell_outcome(view(status="failed", failure=failure), repo=".")
    tell_outcome(view(status="waiting", waitReason="approval"), repo=".")

    err = capsys.readouterr().err
    assert "2 tests fail [gate_failed]\nLook at the tests.\n  adw workflow retry 0a1b2c3d\n" in err
    assert "workflow 0a1b2c3d waits for you:" in err
