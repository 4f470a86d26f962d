"""Durable questions to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ApprovalKind(StrEnum):
    """What is asked."""

    PLAN = "plan_approval"
    BUDGET = "budget"
    SHIP = "ship_approval"
    CONFLICT = "conflict"
    FEEDBACK = "feedback"
    """Whether to go on answering what is said of an open pull request."""
    REVERT = "revert"
    """Whether to offer a pull request that takes a merge back."""
    QUESTION = "question"
    """What an agent wants to know while it works; the answer is in the reason. The workflow does not wait for it."""
    TOOL = "tool"
    """Whether an agent may make one call of a tool, perhaps with another input. The workflow does not wait for it."""

    @property
    def is_of_agent(self) -> bool:
        """Whether an agent waits for the answer, and not its workflow."""
        return self in {ApprovalKind.QUESTION, ApprovalKind.TOOL}


class Decision(StrEnum):
    """How an approval stands."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A question, and once decided, who decided what and when."""

    id: UUID
    adw_id: str
    kind: ApprovalKind
    key: str
    question: str
    data: Mapping[str, Any]
    decision: Decision
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime
    edited_input: Mapping[str, Any] | None = None
    """Of a call that was allowed with another input: that input."""
