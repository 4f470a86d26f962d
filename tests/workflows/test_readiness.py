from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adw.domain.kinds import KINDS, MERGING, VERIFYING, Phase
from adw.domain.phase import Evidence, EvidenceRow, GateOutcome
from adw.workflows.readiness import judge_readiness, why_not_merge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "a" * 40
TESTED = list(KINDS["plan-build-test"])
REVIEWED = list(KINDS["plan-build-review"])
SHIPPED = list(KINDS["sdlc"])


def row(gate="tests", outcome=GateOutcome.PASSED, phase="test", commit=HEAD, *, superseded=False, **data):
    found = Evidence(gate=gate, outcome=outcome, commit=commit, summary="s", data=data)
    return EvidenceRow(evidence=found, adw_id="0a1b2c3d", phase=phase, attempt=1, superseded=superseded, created_at=NOW)


@pytest.mark.parametrize(
    ("phases", "evidence", "ready", "reason"),
    [
        (TESTED, [row()], True, "Every gate is green"),
        (TESTED, [row(), row("diff", phase="build", commit="b")], True, "Every gate is green"),
        (TESTED, [], False, "No result on the head commit: tests."),
        (TESTED, [row(commit="b")], False, "No result on the head commit: tests."),
        (TESTED, [row("diff", phase="build")], False, "No result on the head commit: tests."),
        (TESTED, [row(superseded=True)], False, "No result on the head commit: tests."),
        (TESTED, [row(outcome=GateOutcome.FAILED)], False, "Not green: tests."),
        (TESTED, [row(), row("lint", GateOutcome.FAILED, "build")], False, "Not green: lint."),
        (TESTED, [row(outcome=GateOutcome.FAILED, commit="b"), row()], True, "Every gate is green"),
        (TESTED, [row(), row(outcome=GateOutcome.FAILED)], False, "Not green: tests."),
        (TESTED, [row(outcome=GateOutcome.NOT_APPLICABLE)], True, "Not applicable: tests."),
        (list(KINDS["plan-build"]), [row("diff", phase="build")], False, "verifies nothing"),
        ([Phase.PLAN, Phase.FINISH], [], False, "verifies nothing"),
    ],
)
def test_a_draft_ends_only_when_what_was_verified_is_green_on_the_head(phases, evidence, ready, reason):
    judged, said = judge_readiness(phases, evidence, head=HEAD)
    assert judged is ready
    assert reason in said


@pytest.mark.parametrize(
    ("evidence", "alike", "ready"),
    [
        ([row(), row("review", phase="review")], (), True),
        ([row(), row("review", phase="review", commit="b")], (), False),
        ([row(), row("review", phase="review", commit="b")], ("b",), True),
        ([row(commit="b"), row("review", phase="review", commit="b")], ("b",), False),
        ([row(commit="b"), row("review", phase="review"), row(phase="ship")], (), True),
        ([row(commit="b"), row("review", phase="review"), row(phase="review")], (), True),
        ([row(), row("review", GateOutcome.FAILED, "review", "b"), row("review", phase="review")], (), True),
        ([row(), row("review", phase="review"), row("review", GateOutcome.FAILED, "review")], (), False),
        ([row()], (), False),
        ([row("review", phase="review")], (), False),
    ],
)
def test_what_is_shipped_was_tested_as_it_is_and_reviewed_but_for_its_documents(evidence, alike, ready):
    assert judge_readiness(SHIPPED, evidence, head=HEAD, reviewed_as_head=alike)[0] is ready


def test_every_verifying_phase_has_to_prove_something():
    for phase in VERIFYING:
        assert judge_readiness([phase, Phase.FINISH], [], head=HEAD)[0] is False
    assert judge_readiness([Phase.SHIP], [row("diff", phase="build")], head=HEAD)[0] is False
    assert judge_readiness(REVIEWED, [row("review", phase="review")], head=HEAD)[0] is True


@pytest.mark.parametrize(
    ("evidence", "allowed", "unverified", "reason"),
    [
        ([row()], True, False, None),
        ([row()], False, False, "zte = true"),
        ([], True, False, "no test proves"),
        ([], True, True, None),
        ([row(outcome=GateOutcome.NOT_APPLICABLE)], True, False, "allow_unverified_merge"),
        ([row(outcome=GateOutcome.NOT_APPLICABLE)], True, True, None),
        ([row(vanished=["tests/a.py::one"])], True, True, "tests/a.py::one"),
        ([row(silenced=["tests/a.py::two"])], True, False, "tests/a.py::two"),
        ([row(vanished=["gone"], commit="b"), row()], True, False, None),
    ],
)
def test_a_merge_without_a_person_needs_consent_and_proof(evidence, allowed, unverified, reason):
    told = why_not_merge("zte", evidence, allowed=allowed, unverified_allowed=unverified)
    assert (told is None) if reason is None else (reason in (told or ""))


@pytest.mark.parametrize("kind", sorted({*KINDS, "of-a-repository"} - MERGING))
def test_other_kinds_leave_the_merge_to_a_person_whatever_is_allowed(kind):
    assert "to a person" in (why_not_merge(kind, [row()], allowed=True, unverified_allowed=True) or "")
