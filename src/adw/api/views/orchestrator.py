"""Conversations with an orchestrator, as they are sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from adw.api.wire import Money, Wire


class PostedView(Wire):
    """A message that will be answered."""

    success: bool = True
    orchestrator_id: UUID
    message_id: int = Field(description="Entries that belong to its answer bear it as `turnId`")
    state: str


class ChatEntryView(Wire):
    """Something said or done. The `answer` ends a turn; its state is in `metadata`."""

    id: UUID
    seq: int
    kind: str = Field(description="message, text, thinking, tool_use, tool_result, answer or notice")
    sender_type: str
    message: str
    turn_id: int | None
    metadata: dict[str, Any]
    created_at: datetime


class HistoryView(Wire):
    """What was said, in order."""

    orchestrator_id: UUID
    entries: tuple[ChatEntryView, ...]
    waiting: int = Field(description="Messages and events that are not answered yet")
    next_cursor: int = Field(description="Pass it as `after` to get only what comes next")


class ClearedView(Wire):
    """What was deleted."""

    success: bool = True
    deleted: int


class InterruptedView(Wire):
    """Which turn was asked to end; null when nothing was being answered."""

    success: bool = True
    turn_id: int | None


class ResetView(Wire):
    """A conversation that begins anew."""

    success: bool = True
    orchestrator_id: UUID


class OrchestratorView(Wire):
    """What an orchestrator has used, what it may use, and when it may wake by itself."""

    orchestrator_id: UUID
    status: str
    session_id: str | None
    model: str | None = Field(description="null: the usual one")
    input_tokens: int
    output_tokens: int
    total_cost_usd: Money
    budget_usd: Money = Field(description="For one calendar month, in UTC")
    spent_this_month_usd: Money
    context_tokens: int
    context_window: int
    context_percent: float
    waiting: int
    wake: bool
    quiet_from: str | None
    quiet_until: str | None
    quiet_zone: str


class ToolView(Wire):
    """Something an agent can ask for."""

    name: str
    description: str
    scope: str = Field(description="read or operate")
    input_schema: dict[str, Any]


class ToolList(Wire):
    """All of them."""

    tools: tuple[ToolView, ...]


class ToolAnswerView(Wire):
    """What a call came to, in words for an agent. What was refused is an answer too."""

    text: str
    is_error: bool
