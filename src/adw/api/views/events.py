"""Events on the wire, alike in pages, streams and socket frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def event_json(event: Event, cursor: str | None) -> str:
    """An `EventView`, ready to be sent, and with its cursor where it is told among those of all workflows."""
    view = _wire(event)
    if cursor is not None:
        view["cursor"] = cursor
    return orjson.dumps(view, option=orjson.OPT_UTC_Z).decode()


def page_json(events: Sequence[Event], *, last_seq: int, next_cursor: int | None) -> bytes:
    """An `EventPage`, ready to be sent."""
    page = {"events": [_wire(event) for event in events], "lastSeq": last_seq, "nextCursor": next_cursor}
    return orjson.dumps(page, option=orjson.OPT_UTC_Z)


def _wire(event: Event) -> dict[str, Any]:
    return {
        "type": event.type.value,
        "timestamp": event.created_at,
        "adwId": event.adw_id,
        "seq": event.seq,
        "phase": event.phase,
        "message": event.message,
        "summary": headline_of(event),
        "data": event.data,
    }
