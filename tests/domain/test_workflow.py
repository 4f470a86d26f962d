from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta

import pytest

from adw.domain.agent import ModelSet
from adw.domain.phase import PhaseRow, PhaseStatus
from adw.domain.usage import Usage
from adw.domain.workflow import NewWorkflow, Workflow, WorkflowOptions

NEW = NewWorkflow(
    adw_id="0a1b2c3d",
    project_id="p",
    workflow_type="plan",
    phases=("plan", "finish"),
    issue_number=None,
    issue_title="t",
    issue_body="",
    base_branch="main",
    base_sha="b",
)


def test_what_nobody_chose_has_its_default():
    assert (NEW.model_set, NEW.budget_usd, NEW.priority, NEW.idempotency_key) == (ModelSet.BASE, None, 0, None)
    assert NEW.options == WorkflowOptions(skip_e2e=False, auto_resolve=True, plan_approval=None)
    assert NEW.trigger == {}


def test_values_cannot_be_changed_behind_anyones_back():
    with pytest.raises(FrozenInstanceError):
        NEW.priority = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_what_was_accepted_is_found_in_the_row_again():
    accepted = {field.name for field in fields(NewWorkflow)} - {"idempotency_key", "open_pull_limit"}
    assert accepted <= {field.name for field in fields(Workflow)}


def test_an_attempt_lasts_from_start_to_end():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    row = PhaseRow(
        adw_id="0a1b2c3d",
        phase="plan",
        attempt=1,
        status=PhaseStatus.RUNNING,
        commit_before=None,
        commit_after=None,
        usage=Usage(),
        failure=None,
        data={},
        started_at=start,
        ended_at=start + timedelta(milliseconds=1500),
    )
    assert row.duration_ms == 1500
