"""Questions to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from adw.api.wire import Wire


class ApprovalView(Wire):
    """A question, and once decided, who decided what and when."""

    id: UUID
    adw_id: str
    kind: str
    question: str
    data: Mapping[str, Any]
    decision: str
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime
    edited_input: Mapping[str, Any] | None
    """Of a call that was allowed with another input: that input."""


class ApprovalList(Wire):
    """Questions, oldest first."""

    approvals: tuple[ApprovalView, ...]
