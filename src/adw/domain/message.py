"""What a person says to the agents of a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

MAX_MESSAGE_CHARS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Delivered means: part of a conversation, that of `agent_output_id`."""

    id: UUID
    adw_id: str
    author: str
    body: str
    created_at: datetime
    delivered_at: datetime | None
    agent_output_id: UUID | None
