"""Conversations with an orchestrator, and its tools."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Any, Literal, TypedDict


class PostedDict(TypedDict):
    success: bool
    orchestratorId: str
    messageId: int
    state: str


class ChatEntryDict(TypedDict):
    id: str
    seq: int
    kind: str
    senderType: str
    message: str
    turnId: int | None
    metadata: dict[str, Any]
    createdAt: str


class HistoryDict(TypedDict):
    orchestratorId: str
    entries: list[ChatEntryDict]
    waiting: int
    nextCursor: int


class ClearedDict(TypedDict):
    success: bool
    deleted: int


class InterruptedDict(TypedDict):
    success: bool
    turnId: int | None


class ResetDict(TypedDict):
    success: bool
    orchestratorId: str


class OrchestratorDict(TypedDict):
    orchestratorId: str
    status: str
    sessionId: str | None
    model: str | None
    inputTokens: int
    outputTokens: int
    totalCostUsd: float
    budgetUsd: float
    spentThisMonthUsd: float
    contextTokens: int
    contextWindow: int
    contextPercent: float
    waiting: int
    wake: bool
    quietFrom: str | None
    quietUntil: str | None
    quietZone: str


class ChatChoices(TypedDict, total=False):
    """What is to be otherwise; quiet hours are `HH:MM` and given together."""

    model: str
    budgetUsd: float
    wake: bool
    quietFrom: str
    quietUntil: str
    quietZone: str
    quiet: Literal[False]


class ToolDict(TypedDict):
    name: str
    description: str
    scope: Literal["read", "operate"]
    inputSchema: dict[str, Any]


class ToolListDict(TypedDict):
    tools: list[ToolDict]


class ToolAnswerDict(TypedDict):
    text: str
    isError: bool
