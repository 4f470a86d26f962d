"""What people say to the agents of a workflow."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from adw.api.wire import Wire


class MessageView(Wire):
    """What a person says to the agents of a workflow."""

    id: UUID
    adw_id: str
    author: str
    body: str
    created_at: datetime
    delivered_at: datetime | None = Field(description="When a conversation heard it; null before")
    agent_output_id: UUID | None


class MessageList(Wire):
    """Messages in the order they were left."""

    messages: tuple[MessageView, ...]
