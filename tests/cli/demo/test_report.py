from __future__ import annotations

from typing import Any

import pytest

from adw.cli.demo.report import Commit, Outcome

COUNTS = {"passed": 6, "failed": 0, "skipped": 0}


def outcome(**changes: Any) -> Outcome:
    tests = {"before": COUNTS, "afterBuild": COUNTS | {"failed": 1}, "final": COUNTS | {"passed": 7}}
    values: dict[str, Any] = {
        "status": "completed",
        "adwId": "0a1b2c3d",
        "issueNumber": 1,
        "issueTitle": "Refunds",
        "headSha": "b" * 40,
        "branchName": "bug-1",
        "baseBranch": "main",
        "mergeSha": "b" * 40,
        "prNumber": 2,
        "reviewRounds": 2,
        "gates": [{"gate": "review", "outcome": "passed"}, {"gate": "tests", "outcome": "passed"}],
        "phases": [{"name": "plan", "status": "completed", "attempts": 1, "durationMs": 1500, "costUsd": None}],
        "tests": tests,
        "usage": {"requests": 3, "inputTokens": 10, "outputTokens": 5, "costUsd": 0.5},
    }
    pull = {"number": 2, "state": changes.pop("state", "merged"), "title": "Count refunds"}
    return Outcome(
        view=values | {"tests": tests | changes.pop("tests", {})} | changes.pop("view", {}),  # type: ignore[arg-type]
        pull=changes.pop("pull", pull),
        commits=changes.pop("commits", (Commit(sha="a" * 40, subject="plan"), Commit(sha="b" * 40, subject="fix"))),
        changed_files=("tally/statement.py",),
        branches=changes.pop("branches", ("main",)),
        duration_ms=20_000,
    )


def test_what_was_promised_was_found() -> None:
    assert outcome().problems() == []
    assert outcome().as_json(repo=None, data_dir=None)["verified"] is True


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"view": {"status": "failed"}}, "the workflow is failed, not completed"),
        ({"pull": None}, "there is no pull request"),
        ({"state": "ready"}, "the pull request is not merged"),
        ({"tests": {"afterBuild": COUNTS}}, "no test failed after the build, so nothing was repaired"),
        ({"tests": {"afterBuild": None}}, "no test failed after the build, so nothing was repaired"),
        ({"tests": {"final": COUNTS | {"failed": 1}}}, "the last test run is not free of failures"),
        ({"tests": {"final": None}}, "the last test run is not free of failures"),
        ({"view": {"mergeSha": "c" * 40}}, "the base branch in git does not end at the commit of the merge"),
        ({"commits": ()}, "the base branch in git does not end at the commit of the merge"),
        ({"branches": ("main", "bug-1")}, "the branch of the work was not removed after the merge"),
        ({"view": {"reviewRounds": 1}}, "the review found nothing to put right, or was not repeated"),
        ({"view": {"gates": [{"gate": "review", "outcome": "failed"}]}}, "the review did not end well"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_broken_promise_is_named(changes: dict[str, Any], problem: str) -> None:
    assert outcome(**changes).problems() == [problem]


def test_the_summary_names_everything() -> None:
    text = "\n".join(outcome().lines())

    for part in (
        "#1 Refunds",
        "0a1b2c3d completed in 20.0 s",
        "unknown",
        "6 passed, 1 failed",
        "#2 merged",
        "bbbbbbbbbb on main",
    ):
        assert part in text
    assert "pull      none" in "\n".join(outcome(pull=None).lines())
