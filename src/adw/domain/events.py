"""Events: immutable facts about a workflow, numbered 1, 2, 3... without gaps within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """What happened. These names are on the wire and in the database."""

    WORKFLOW_CREATED = "workflow_created"
    WORKFLOW_UPDATED = "workflow_updated"
    WORKFLOW_QUEUED = "workflow_queued"
    WORKFLOW_STARTED = "workflow_started"
    WORKFLOW_WAITING = "workflow_waiting"
    WORKFLOW_PAUSED = "workflow_paused"
    WORKFLOW_RESUMED = "workflow_resumed"
    WORKFLOW_COMPLETED = "workflow_completed"
    WORKFLOW_FAILED = "workflow_failed"
    WORKFLOW_CANCELLED = "workflow_cancelled"
    WORKFLOW_RECOVERED = "workflow_recovered"
    PHASE_STARTED = "phase_started"
    PHASE_PROGRESS = "phase_progress"
    PHASE_COMPLETED = "phase_completed"
    PHASE_FAILED = "phase_failed"
    AGENT_STARTED = "agent_started"
    AGENT_TEXT = "agent_text"
    AGENT_THINKING = "agent_thinking"
    AGENT_TOOL_USE = "agent_tool_use"
    AGENT_TOOL_RESULT = "agent_tool_result"
    AGENT_FINISHED = "agent_finished"
    AGENT_STUCK = "agent_stuck"
    GATE_PASSED = "gate_passed"
    GATE_FAILED = "gate_failed"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_DECIDED = "approval_decided"
    COMMENT_POSTED = "comment_posted"
    PULL_REQUEST_OPENED = "pull_request_opened"
    PULL_REQUEST_UPDATED = "pull_request_updated"
    PULL_REQUEST_MERGED = "pull_request_merged"
    BUDGET_WARNING = "budget_warning"
    WORKER_LOST = "worker_lost"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event about to be written; its number and time are given by the database."""

    type: EventType
    phase: str | None = None
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A written event."""

    adw_id: str
    seq: int
    type: EventType
    phase: str | None
    message: str
    data: Mapping[str, Any]
    created_at: datetime
