"""Steering: two runs side by side, a worktree taken over, messages to agents, agents at work."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import TypedDict

from adw.client.types.evidence import ChangedFileDict
from adw.client.types.workflows import MessageDict, UsageDict, WorkflowDict


class TakeoverDict(TypedDict):
    success: bool
    workflow: WorkflowDict
    path: str
    notes: list[str]


class MessageListDict(TypedDict):
    messages: list[MessageDict]


class AgentDict(TypedDict):
    id: str
    adwId: str
    role: str
    phase: str
    attempt: int
    round: int
    model: str | None
    sessionId: str | None
    since: str


class AgentListDict(TypedDict):
    agents: list[AgentDict]


class ComparedPhaseDict(TypedDict):
    name: str
    status: str | None
    attempts: int
    durationMs: int | None


class ComparedGateDict(TypedDict):
    phase: str
    gate: str
    outcome: str
    commit: str
    summary: str


class ComparedRunDict(TypedDict):
    adwId: str
    workflowType: str
    status: str
    modelSet: str
    forkedFrom: str | None
    branchName: str | None
    prNumber: int | None
    prState: str
    head: str
    durationMs: int
    usage: UsageDict
    phases: list[ComparedPhaseDict]
    gates: list[ComparedGateDict]


class ComparisonDict(TypedDict):
    first: ComparedRunDict
    second: ComparedRunDict
    files: list[ChangedFileDict]
    additions: int
    deletions: int
    diff: str
