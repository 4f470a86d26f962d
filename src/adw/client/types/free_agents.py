"""Agents outside of workflows."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Any, TypedDict


class FreeAgentDict(TypedDict):
    id: str
    orchestratorId: str
    name: str
    status: str
    projectId: str | None
    baseSha: str | None
    template: str | None
    tools: list[str]
    model: str | None
    budgetUsd: float
    sessionId: str | None
    inputTokens: int
    outputTokens: int
    contextTokens: int
    totalCostUsd: float
    place: str | None
    keptAs: str | None
    createdBy: str
    createdAt: str
    updatedAt: str
    deletedAt: str | None


class FreeAgentListDict(TypedDict):
    agents: list[FreeAgentDict]


class AgentCommandDict(TypedDict):
    id: int
    agentId: str
    author: str
    body: str
    state: str
    attempt: int
    answer: str | None
    inputTokens: int
    outputTokens: int
    costUsd: float
    createdAt: str
    takenAt: str | None
    endedAt: str | None


class FreeAgentDetailDict(FreeAgentDict):
    systemPrompt: str
    openCommands: list[AgentCommandDict]
    lastCommand: AgentCommandDict | None


class StoppedDict(TypedDict):
    success: bool
    commands: list[int]


class AgentLogEntryDict(TypedDict):
    seq: int
    commandId: int | None
    kind: str
    summary: str
    body: str
    metadata: dict[str, Any]
    createdAt: str


class AgentLogDict(TypedDict):
    agentId: str
    entries: list[AgentLogEntryDict]
    nextCursor: int


class AgentTemplateDict(TypedDict):
    name: str
    description: str
    tools: list[str]
    leftOut: list[str]
    model: str | None
    origin: str


class BrokenTemplateDict(TypedDict):
    origin: str
    problem: str


class AgentTemplateListDict(TypedDict):
    templates: list[AgentTemplateDict]
    broken: list[BrokenTemplateDict]


class NewAgentFields(TypedDict, total=False):
    """What an agent may be made of besides its name. At least `template` or `systemPrompt`."""

    template: str | None
    systemPrompt: str | None
    project: str | None
    model: str | None
    tools: list[str] | None
    budgetUsd: float | None
