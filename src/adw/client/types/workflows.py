"""Workflows and what belongs to them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Required, TypedDict

from adw.client.types.projects import CommandsDict

FailureDict = TypedDict(
    "FailureDict",
    {"class": str, "message": str, "phase": str | None, "advice": str, "nextActions": list[str]},
)
PhaseFailureDict = TypedDict("PhaseFailureDict", {"class": str, "message": str, "phase": str | None})


class HealthDict(TypedDict):
    status: str
    timestamp: str
    service: str


class PartDict(TypedDict):
    ok: bool
    detail: str


class ReadinessDict(HealthDict):
    database: PartDict
    workers: PartDict
    disk: PartDict
    forge: PartDict


class OptionsDict(TypedDict):
    skipE2e: bool
    autoResolve: bool
    planApproval: bool | None
    model: str | None


class OtherwiseFields(TypedDict, total=False):
    """What is to be otherwise when phases are done again; what is left out stays."""

    model_set: str | None
    model: str | None
    """That of all agents from now on."""
    message: str | None
    """What the next agent is told first."""


class WorkOptions(TypedDict, total=False):
    """What may be chosen; what is left out keeps its default."""

    skipE2e: bool
    autoResolve: bool
    planApproval: bool | None


class WorkFields(TypedDict, total=False):
    """Work to be done: an issue by its number, or a sentence that becomes one."""

    project: Required[str]
    """A path, `owner/name`, or a project's id."""
    issue_number: int | None
    prompt: str | None
    create_issue: bool
    """Whether the prompt becomes an issue on GitHub too; on the local forge it always does."""
    model_set: str | None
    budget_usd: Decimal | float | None
    priority: int
    depends_on: Sequence[str]
    """Workflows that have to be done first: ids, or unique beginnings of ids."""
    options: WorkOptions | None


class OrderFields(WorkFields, total=False):
    """Work with its kind; a single phase other than plan also names the work it is done on."""

    workflow_type: Required[str]
    on: str | None


class FindingDict(TypedDict):
    check: str
    message: str
    isNote: bool
    code: str | None
    hint: str | None


class PreviewDict(TypedDict):
    success: bool
    adwId: str | None
    workflowType: str
    phases: list[str]
    baseBranch: str
    baseSha: str
    modelSet: str
    models: dict[str, str]
    budgetUsd: float | None
    commands: CommandsDict | None
    findings: list[FindingDict]
    notes: list[str]


class PhaseSummaryDict(TypedDict):
    name: str
    status: str
    attempts: int
    durationMs: int | None
    costUsd: float | None
    requests: int
    inputTokens: int
    outputTokens: int


class UsageDict(TypedDict):
    requests: int
    inputTokens: int
    outputTokens: int
    costUsd: float | None


class TestCountsDict(TypedDict):
    passed: int
    failed: int
    skipped: int


class TestsDict(TypedDict):
    before: TestCountsDict | None
    afterBuild: TestCountsDict | None
    final: TestCountsDict | None


class GateDict(TypedDict):
    gate: str
    phase: str
    outcome: str
    commit: str
    summary: str


class ApprovalDict(TypedDict):
    id: str
    adwId: str
    kind: str
    question: str
    data: dict[str, Any]
    decision: str
    reason: str | None
    decidedBy: str | None
    decidedAt: str | None
    createdAt: str
    editedInput: dict[str, Any] | None


class QueuedBecauseDict(TypedDict):
    reason: str
    detail: str
    position: int | None


class WorkflowSummaryDict(TypedDict):
    adwId: str
    projectId: str
    workflowType: str
    status: str
    phase: str
    waitReason: str | None
    resumeAt: str | None
    waitScope: str | None
    pausedFrom: str | None
    issueNumber: int | None
    issueTitle: str
    issueClass: str | None
    branchName: str | None
    baseBranch: str
    baseSha: str
    headSha: str | None
    prNumber: int | None
    prState: str
    mergeSha: str | None
    forkedFrom: str | None
    heldBy: str | None
    modelSet: str
    priority: int
    dependsOn: list[str]
    queuedBecause: QueuedBecauseDict | None
    options: OptionsDict
    budgetUsd: float | None
    spentUsd: float
    planFile: str | None
    worktreePath: str | None
    worktreeExists: bool
    backendPort: int | None
    frontendPort: int | None
    failure: FailureDict | None
    createdAt: str
    updatedAt: str
    startedAt: str | None
    completedAt: str | None
    lastSeq: int


class MessageDict(TypedDict):
    id: str
    adwId: str
    author: str
    body: str
    createdAt: str
    deliveredAt: str | None
    agentOutputId: str | None


class ClashDict(TypedDict):
    branch: str
    adwId: str | None
    files: list[str]


class WorkflowDict(WorkflowSummaryDict):
    phases: list[PhaseSummaryDict]
    usage: UsageDict
    tests: TestsDict
    reviewRounds: int
    gates: list[GateDict]
    approvals: list[ApprovalDict]
    forks: list[str]
    unheard: list[MessageDict]
    clashes: list[ClashDict]


class WorkflowPageDict(TypedDict):
    workflows: list[WorkflowSummaryDict]
    nextCursor: str | None


class WorkflowAnswerDict(TypedDict):
    success: bool
    workflow: WorkflowDict


class AcceptedDict(WorkflowAnswerDict):
    adwId: str
    notes: list[str]


class DecidedDict(TypedDict):
    approval: ApprovalDict
    workflow: WorkflowDict


class ApprovalListDict(TypedDict):
    approvals: list[ApprovalDict]


class EventDict(TypedDict):
    type: str
    timestamp: str
    adwId: str
    seq: int
    phase: str | None
    message: str
    summary: str
    data: dict[str, Any]


class EventPageDict(TypedDict):
    events: list[EventDict]
    lastSeq: int
    nextCursor: int | None


class PhaseAttemptDict(TypedDict):
    phase: str
    attempt: int
    status: str
    commitBefore: str | None
    commitAfter: str | None
    failure: PhaseFailureDict | None
    data: dict[str, Any]
    startedAt: str
    endedAt: str | None
    durationMs: int | None
    usage: UsageDict
    summary: str | None


class PhaseListDict(TypedDict):
    phases: list[PhaseAttemptDict]


class OutputDict(TypedDict):
    id: str
    agentName: str
    phase: str
    attempt: int
    round: int
    sessionId: str | None
    model: str | None
    outputText: str | None
    outputJson: dict[str, Any] | None
    success: bool | None
    errorMessage: str | None
    failureClass: str | None
    retryCount: int
    turns: int
    requests: int
    inputTokens: int
    outputTokens: int
    durationMs: int
    createdAt: str
    endedAt: str | None


class OutputListDict(TypedDict):
    outputs: list[OutputDict]


class WorkflowUsageDict(TypedDict):
    usage: UsageDict
    byPhase: dict[str, UsageDict]
    budgetUsd: float | None
    spentUsd: float
    heldUsd: float


class ArtifactDict(TypedDict):
    name: str
    mediaType: str
    sha256: str
    size: int
    createdAt: str


class ArtifactListDict(TypedDict):
    artifacts: list[ArtifactDict]
