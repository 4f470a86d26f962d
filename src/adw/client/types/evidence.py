"""What was checked, what was changed, what was said, and what it cost."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Any, Literal, TypedDict

from adw.client.types.workflows import UsageDict

CostBy = Literal["workflow", "kind", "phase", "role", "model", "project", "day"]


class FailingTestDict(TypedDict):
    testId: str
    kind: str
    error: str | None
    command: str | None


class EvidenceDict(TypedDict):
    gate: str
    phase: str
    attempt: int
    outcome: str
    commit: str
    summary: str
    data: dict[str, Any]
    superseded: bool
    artifact: str | None
    failures: list[FailingTestDict]
    failureCount: int
    createdAt: str


class EvidenceListDict(TypedDict):
    evidence: list[EvidenceDict]


class ChangedFileDict(TypedDict):
    path: str
    status: str
    additions: int
    deletions: int
    isBinary: bool


class DiffStatDict(TypedDict):
    adwId: str
    base: str
    head: str | None
    branch: str | None
    prNumber: int | None
    files: list[ChangedFileDict]
    additions: int
    deletions: int


class TranscriptItemDict(TypedDict):
    kind: str
    at: str | None
    text: str
    tool: str | None
    toolUseId: str | None
    input: dict[str, Any] | None
    isError: bool
    side: str | None


class ConversationDict(TypedDict):
    id: str
    role: str
    phase: str
    attempt: int
    round: int
    model: str | None
    sessionId: str | None
    outcome: str
    errorMessage: str | None
    failureClass: str | None
    outputJson: dict[str, Any] | None
    retryCount: int
    turns: int
    durationMs: int
    usage: UsageDict
    startedAt: str
    endedAt: str | None
    source: str
    items: list[TranscriptItemDict]


class TranscriptDict(TypedDict):
    adwId: str
    issueNumber: int | None
    issueTitle: str
    workflowType: str
    status: str
    conversations: list[ConversationDict]


class CostTotalsDict(TypedDict):
    workflows: int
    requests: int
    inputTokens: int
    outputTokens: int
    cacheWriteTokens: int
    cacheReadTokens: int
    costUsd: float | None
    knownUsd: float
    unpricedRequests: int
    inexactRequests: int


class CostRowDict(CostTotalsDict):
    key: str | None
    label: str | None


class CostTableDict(TypedDict):
    by: str
    since: str | None
    rows: list[CostRowDict]
    total: CostTotalsDict
