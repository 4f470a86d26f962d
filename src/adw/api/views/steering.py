"""What steering answers: a worktree taken over, agents at work, two runs side by side."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from adw.api.views.building import usage_view
from adw.api.views.changes import ChangedFile, changed_files
from adw.api.views.workflow import UsageView, WorkflowAnswer
from adw.api.wire import Wire
from adw.control.comparison import Comparison, Side
from adw.domain.phase import PhaseRow


class TakeoverView(WorkflowAnswer):
    """A workflow in a person's hands."""

    path: str = Field(description="The worktree, on the server's machine")
    notes: tuple[str, ...] = Field(description="Sentences for the person who asked")


class AgentView(Wire):
    """A conversation that is under way."""

    id: UUID
    adw_id: str
    role: str = Field(validation_alias="agent_name", serialization_alias="role")
    phase: str
    attempt: int
    round: int
    model: str | None
    session_id: str | None
    since: datetime = Field(validation_alias="created_at", serialization_alias="since")


class AgentList(Wire):
    """Agents at work, the longest first."""

    agents: tuple[AgentView, ...]


class ComparedPhase(Wire):
    """One phase over all its attempts. `status` is null where it has not run."""

    name: str
    status: str | None
    attempts: int
    duration_ms: int | None


class ComparedGate(Wire):
    """What a gate last found."""

    phase: str
    gate: str
    outcome: str
    commit: str
    summary: str


class ComparedRun(Wire):
    """One of two runs."""

    adw_id: str
    workflow_type: str
    status: str
    model_set: str
    forked_from: str | None
    branch_name: str | None
    pr_number: int | None
    pr_state: str
    head: str
    duration_ms: int = Field(description="Of all phases together")
    usage: UsageView
    phases: tuple[ComparedPhase, ...]
    gates: tuple[ComparedGate, ...]


class ComparisonView(Wire):
    """Two runs side by side, and what turns the files of the first one's head into those of the second's."""

    first: ComparedRun
    second: ComparedRun
    files: tuple[ChangedFile, ...]
    additions: int
    deletions: int
    diff: str


def comparison_view(found: Comparison) -> ComparisonView:
    files = changed_files(found.diff)
    return ComparisonView(
        first=_run(found.first),
        second=_run(found.second),
        files=files,
        additions=sum(file.additions for file in files),
        deletions=sum(file.deletions for file in files),
        diff=found.diff,
    )


def _run(side: Side) -> ComparedRun:
    workflow = side.workflow
    phases = tuple(_phase(name, [row for row in side.phases if row.phase == name]) for name in workflow.phases)
    gates = tuple(
        ComparedGate(
            phase=row.phase,
            gate=row.evidence.gate,
            outcome=row.evidence.outcome,
            commit=row.evidence.commit,
            summary=row.evidence.summary,
        )
        for row in side.gates
    )
    return ComparedRun(
        adw_id=workflow.adw_id,
        workflow_type=workflow.workflow_type,
        status=workflow.status,
        model_set=workflow.model_set,
        forked_from=workflow.forked_from,
        branch_name=workflow.branch_name,
        pr_number=workflow.pr_number,
        pr_state=workflow.pr_state,
        head=side.head,
        duration_ms=sum(phase.duration_ms or 0 for phase in phases),
        usage=usage_view(side.usage),
        phases=phases,
        gates=gates,
    )


def _phase(name: str, rows: list[PhaseRow]) -> ComparedPhase:
    durations = [row.duration_ms for row in rows if row.duration_ms is not None]
    return ComparedPhase(
        name=name,
        status=rows[-1].status if rows else None,
        attempts=len(rows),
        duration_ms=sum(durations) if durations else None,
    )
