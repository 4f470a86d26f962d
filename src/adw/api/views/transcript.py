"""Agents' conversations: who spoke about what, with which tools, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from adw.api.views.workflow import UsageView
from adw.api.wire import Wire

ItemKind = Literal["prompt", "text", "thinking", "tool_use", "tool_result", "note"]
Source = Literal["session", "events", "none"]


class TranscriptItem(Wire):
    """Something that was said or done. Long texts are cut and say so."""

    kind: ItemKind
    at: datetime | None
    text: str = ""
    tool: str | None = None
    tool_use_id: str | None = None
    input: Mapping[str, Any] | None = None
    is_error: bool = False
    side: str | None = Field(default=None, description="The side conversation it belongs to, if to one")


class ConversationView(Wire):
    """One conversation of one agent."""

    id: UUID
    role: str
    phase: str
    attempt: int
    round: int
    model: str | None
    session_id: str | None
    outcome: Literal["completed", "failed", "unfinished"]
    error_message: str | None
    failure_class: str | None
    output_json: Mapping[str, Any] | None
    retry_count: int
    turns: int
    duration_ms: int
    usage: UsageView
    started_at: datetime
    ended_at: datetime | None
    source: Source = Field(description="`events` lack prompts; `none`: nothing was kept")
    items: tuple[TranscriptItem, ...]


class TranscriptView(Wire):
    """The conversations of a workflow in the order they began."""

    adw_id: str
    issue_number: int | None
    issue_title: str
    workflow_type: str
    status: str
    conversations: tuple[ConversationView, ...]
