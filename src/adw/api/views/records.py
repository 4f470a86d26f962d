"""What a workflow leaves behind: attempts at phases, conversations, evidence, files, costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from adw.api.views.building import usage_view
from adw.api.views.workflow import UsageView
from adw.api.wire import Money, Wire
from adw.domain.failure import Failure
from adw.domain.phase import PhaseRow


class PhaseFailureView(Wire):
    """Why an attempt failed."""

    failure_class: str = Field(alias="class")
    message: str
    phase: str | None


class PhaseAttemptView(Wire):
    """One attempt at one phase."""

    phase: str
    attempt: int
    status: str
    commit_before: str | None
    commit_after: str | None
    failure: PhaseFailureView | None
    data: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime | None
    duration_ms: int | None
    usage: UsageView
    summary: str | None = Field(description="What a model says it came to, where `[summaries]` asks for that")


class PhaseList(Wire):
    """Attempts in the order they started."""

    phases: tuple[PhaseAttemptView, ...]


class OutputView(Wire):
    """One conversation of one agent."""

    id: UUID
    agent_name: str
    phase: str
    attempt: int
    round: int
    session_id: str | None
    model: str | None
    output_text: str | None
    output_json: Mapping[str, Any] | None = Field(validation_alias="output_jsonl", serialization_alias="outputJson")
    success: bool | None
    error_message: str | None
    failure_class: str | None
    retry_count: int
    turns: int
    requests: int
    input_tokens: int
    output_tokens: int
    duration_ms: int
    created_at: datetime
    ended_at: datetime | None


class OutputList(Wire):
    """Conversations, oldest first."""

    outputs: tuple[OutputView, ...]


class WorkflowUsage(Wire):
    """Money and tokens. `heldUsd` is reserved by requests under way."""

    usage: UsageView
    by_phase: Mapping[str, UsageView]
    budget_usd: Money | None
    spent_usd: Money
    held_usd: Money


class ArtifactView(Wire):
    """A file, without its content; `size` in bytes."""

    name: str
    media_type: str
    sha256: str
    size: int
    created_at: datetime


class ArtifactList(Wire):
    """Files, oldest first."""

    artifacts: tuple[ArtifactView, ...]


def phase_view(row: PhaseRow) -> PhaseAttemptView:
    return PhaseAttemptView(
        phase=row.phase,
        attempt=row.attempt,
        status=row.status,
        commit_before=row.commit_before,
        commit_after=row.commit_after,
        failure=_failure(row.failure),
        data=row.data,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        usage=usage_view(row.usage),
        summary=row.summary,
    )


def _failure(failure: Failure | None) -> PhaseFailureView | None:
    if failure is None:
        return None
    values = {"class": failure.failure_class, "message": failure.message, "phase": failure.phase}
    return PhaseFailureView.model_validate(values)
