"""Rows of our tables as domain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from adw.domain.admission import Because, QueueReason
from adw.domain.agent import ModelSet
from adw.domain.failure import Failure, FailureClass
from adw.domain.status import PrState, Status, WaitReason
from adw.domain.workflow import Workflow, WorkflowOptions

_SAME = (
    "adw_id",
    "project_id",
    "workflow_type",
    "phase",
    "pr_number",
    "issue_number",
    "issue_title",
    "issue_body",
    "issue_class",
    "branch_name",
    "base_branch",
    "base_sha",
    "head_sha",
    "budget_usd",
    "priority",
    "project_limit",
    "trigger",
    "worktree_path",
    "worktree_exists",
    "backend_port",
    "frontend_port",
    "plan_file",
    "merge_sha",
    "forked_from",
    "rewind_to",
    "held_by",
    "resume_at",
    "wait_scope",
    "owner_id",
    "owner_epoch",
    "leg",
    "last_seq",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
)


def workflow_from(row: RowMapping) -> Workflow:
    same: dict[str, Any] = {name: row[name] for name in _SAME}
    return Workflow(
        **same,
        phases=tuple(row["phases"]),
        depends_on=tuple(row["depends_on"]),
        queued_because=because_from(row["queued_because"]),
        status=Status(row["status"]),
        wait_reason=None if row["wait_reason"] is None else WaitReason(row["wait_reason"]),
        paused_from=None if row["paused_from"] is None else Status(row["paused_from"]),
        pr_state=PrState(row["pr_state"]),
        model_set=ModelSet(row["model_set"]),
        options=WorkflowOptions(**row["options"]),
        failure=failure_from(row["failure"]),
    )


def because_from(value: Mapping[str, Any] | None) -> Because | None:
    return None if value is None else Because(reason=QueueReason(value["reason"]), detail=value["detail"])


def because_to(because: Because) -> dict[str, Any]:
    return {"reason": because.reason.value, "detail": because.detail}


def failure_from(value: Mapping[str, Any] | None) -> Failure | None:
    if value is None:
        return None
    return Failure(
        failure_class=FailureClass(value["class"]),
        message=value["message"],
        phase=value.get("phase"),
    )


def failure_to(failure: Failure) -> dict[str, Any]:
    return {"class": failure.failure_class.value, "message": failure.message, "phase": failure.phase}
