"""What people read: comments, evidence, and whether a draft may end."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import Evidence, EvidenceRow, GateOutcome, PhaseRow, PhaseStatus
from adw.domain.usage import Usage
from adw.kit import errors
from adw.workflows.comments import evidence_table, failure_comment, status_comment
from adw.workflows.endings import PhaseFailed, classify_error
from adw.workflows.phases.plan import _naming
from adw.workflows.saving import _without_trailers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "a" * 40


def row(gate="tests", outcome=GateOutcome.PASSED, phase="test", commit=HEAD, summary="s", **fields):
    found = Evidence(gate=gate, outcome=outcome, commit=commit, summary=summary)
    values = {"adw_id": "0a1b2c3d", "phase": phase, "attempt": 1, "superseded": False, "created_at": NOW}
    return EvidenceRow(evidence=found, **(values | fields))


def cells(line):
    """The cells of a table's line as a renderer splits them: a bar counts unless its backslashes escape it."""
    return re.findall(r"((?:\\.|[^|\\])*)\|", line[1:])


def test_the_evidence_is_a_table_of_what_counts():
    assert evidence_table([]) == evidence_table([row(superseded=True)]) == ""
    table = evidence_table([row(summary="12 pass"), row("lint", GateOutcome.NOT_APPLICABLE, "build", "b" * 40)])
    assert table.splitlines()[2:] == [
        f"| tests | test | passed | `{'a' * 12}` | 12 pass |",
        f"| lint | build | not applicable | `{'b' * 12}` | s |",
    ]


@given(st.text(alphabet=st.sampled_from("ab|\\\n\r\t `")))
def test_no_finding_can_break_out_of_its_cell(summary):
    lines = evidence_table([row(summary=summary)]).split("\n")
    assert len(lines) == 3
    assert len(cells(lines[2])) == 5, lines[2]


def test_a_long_finding_is_cut_without_losing_its_end_of_cell():
    for length in range(295, 305):
        line = evidence_table([row(summary="x" * length + "|" * 10)]).splitlines()[2]
        assert len(cells(line)) == 5


@pytest.mark.parametrize("failure_class", list(FailureClass))
def test_a_failure_is_told_with_class_evidence_and_what_to_do(failure_class):
    failure = Failure(failure_class=failure_class, message="It said ```x``` twice", phase="test")
    said = failure_comment("0a1b2c3d", failure, [row()])
    assert f"failed in test (`{failure_class}`)" in said
    assert "It said '''x''' twice" in said
    assert said.count("```") == 2
    assert "| tests | test | passed |" in said
    for action in failure.next_actions("0a1b2c3d"):
        assert f"- `{action}`" in said


def test_a_failure_before_any_gate_says_so_and_a_long_message_is_cut():
    failure = Failure(failure_class=FailureClass.INTERNAL, message="x" * 10_000)
    said = failure_comment("0a1b2c3d", failure, [])
    assert "No gate had run yet." in said
    assert "failed in its course" in said
    assert len(said) < 4000


async def test_the_status_shows_every_phase_with_its_latest_attempt(play):
    def phase(name, attempt, status):
        return PhaseRow(
            adw_id="0a1b2c3d",
            phase=name,
            attempt=attempt,
            status=status,
            commit_before=None,
            commit_after=None,
            usage=Usage(),
            failure=None,
            data={},
            started_at=NOW,
            ended_at=None,
        )

    rows = [
        phase("plan", 1, PhaseStatus.COMPLETED),
        phase("build", 1, PhaseStatus.FAILED),
        phase("build", 2, PhaseStatus.RUNNING),
        phase("test", 1, PhaseStatus.SUPERSEDED),
    ]
    said = status_comment(replace(play.workflow, branch_name="bug-1"), rows)
    assert "| plan | completed | 1 |" in said
    assert "| build | running | 2 |" in said
    assert "| test | not yet |  |" in said
    assert "| finish | not yet |  |" in said
    assert said.endswith("Branch `bug-1`")
    assert "Branch" not in status_comment(play.workflow, rows)


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        (errors.ForgeError, "forge"),
        (errors.ModelError, "transient"),
        (errors.GitError, "infrastructure"),
        (errors.DatabaseError, "infrastructure"),
        (errors.AgentError, "infrastructure"),
        (errors.WrongStateError, "conflict"),
        (errors.ConfigurationError, "configuration"),
        (errors.UsageError, "configuration"),
        (errors.NotFoundError, "forge"),
        (errors.AdwError, "internal"),
    ],
)
def test_every_error_of_ours_has_a_class_of_failure(error, failure_class):
    failed = classify_error(error("went wrong", hint="do this"))
    assert failed.failure("build") == Failure(
        failure_class=FailureClass(failure_class), message="went wrong (do this)", phase="build"
    )
    assert classify_error(error("went wrong")).message == "went wrong"


async def test_names_come_from_the_classifier_and_fall_back_to_the_issue(play):
    ctx = play.ctx()
    adw_id = play.workflow.adw_id
    named = _naming(ctx, {"issue_class": " Bug ", "title": "Totals\nwrong", "slug": "Fix Totals!"})
    assert (named.issue_class, named.title) == ("bug", "Totals wrong")
    assert named.branch == f"bug-issue-1-adw-{adw_id}-fix-totals"
    assert named.plan_file == f"specs/issue-1-adw-{adw_id}-fix-totals.md"
    plain = _naming(ctx, {"issue_class": "chore", "title": "", "slug": "../.."})
    assert (plain.title, plain.branch) == ("Totals are wrong", f"chore-issue-1-adw-{adw_id}-totals-are-wrong")
    for wrong in ({}, {"issue_class": "../../x"}, {"issue_class": None}):
        with pytest.raises(PhaseFailed):
            _naming(ctx, wrong)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("fix: totals\n\nCo-Authored-By: A <a@b>\nSigned-off-by: B <b@c>\n", "fix: totals"),
        ("", "Change files"),
        ("Co-authored-by: x", "Change files"),
        (" fix \n\n body \n", "fix\n\n body"),
    ],
)
def test_commit_messages_carry_no_attributions_and_are_never_empty(message, kept):
    assert _without_trailers(message) == kept
