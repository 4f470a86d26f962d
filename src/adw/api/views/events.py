"""Events on the wire, alike in pages, streams and socket frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from adw.api.wire import Wire
from adw.domain.events import Event
from adw.domain.headline import headline_of


class EventView(Wire):
    """An immutable fact about a workflow."""

    type: str
    timestamp: datetime
    adw_id: str
    seq: int
    phase: str | None
    message: str
    summary: str = Field(description="One line, made by rules from what is beside it")
    data: Mapping[str, Any]


class EventPage(Wire):
    """Events, oldest first."""

    events: tuple[EventView, ...]
    last_seq: int = Field(description="Of the workflow, whatever this page shows")
    next_cursor: int | None = Field(description="Pass it as `after` to see more; null when this is all there is now")


def event_view(event: Event) -> EventView:
    return EventView(
        type=event.type,
        timestamp=event.created_at,
        adw_id=event.adw_id,
        seq=event.seq,
        phase=event.phase,
        message=event.message,
        summary=headline_of(event),
        data=event.data,
    )


def event_json(event: Event, cursor: str | None) -> str:
    """The same view, ready to be sent, and with its cursor where it is told among those of all workflows."""
    view: dict[str, Any] = {
        "type": event.type.value,
        "timestamp": event.created_at,
        "adwId": event.adw_id,
        "seq": event.seq,
        "phase": event.phase,
        "message": event.message,
        "summary": headline_of(event),
        "data": event.data,
    }
    if cursor is not None:
        view["cursor"] = cursor
    return orjson.dumps(view, option=orjson.OPT_UTC_Z).decode()
