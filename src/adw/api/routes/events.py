"""A workflow's events: a page at a time, or followed as they happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from adw.api.inputs import AdwId, CommaSeparated, Services
from adw.api.openapi import problems
from adw.api.views.events import EventPage, event_view
from adw.domain.events import Event, EventType
from adw.domain.status import UNFINISHED
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.workflows import require_workflow

POLL_S = 0.25
BEAT_S = 15.0
"""A blank line is sent this often, so that either side notices when the other is gone."""
_BATCH = 500
_MEDIA_TYPE = "application/x-ndjson"
_MAX_SEQ = 2**63 - 1

After = Annotated[int, Query(ge=0, le=_MAX_SEQ, description="Only events with a larger `seq`")]
Types = Annotated[list[EventType], CommaSeparated, Query(default_factory=list, description="Only these types")]

router = APIRouter(prefix="/api/adw/workflows/{adw_id}/events", tags=["events"], responses=problems(404))


@router.get("")
async def list_events(
    services: Services,
    adw_id: AdwId,
    types: Types,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> EventPage:
    """Events, oldest first."""
    async with services.database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
        found = await get_workflow_events(connection, adw_id, after=after, limit=limit + 1, types=types)
    shown = tuple(event_view(event) for event in found[:limit])
    cursor = shown[-1].seq if len(found) > limit else None
    return EventPage(events=shown, last_seq=workflow.last_seq, next_cursor=cursor)


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {_MEDIA_TYPE: {}}, "description": "One event a line; blank lines mean nothing"}},
)
async def stream_events(
    services: Services, request: Request, adw_id: AdwId, types: Types, after: After = 0
) -> StreamingResponse:
    """Events as JSON lines as they happen, until the workflow has ended."""
    stopping: asyncio.Event = request.app.state.stopping
    lines = _follow(services.database, adw_id, after=after, types=types, stopping=stopping)
    return StreamingResponse(lines, media_type=_MEDIA_TYPE)


async def _follow(
    database: Database, adw_id: str, *, after: int, types: Sequence[EventType], stopping: asyncio.Event
) -> AsyncIterator[bytes]:
    said_at = time.monotonic()
    while not stopping.is_set():
        is_over, found = await _look(database, adw_id, after=after, types=types)
        for event in found:
            yield event_view(event).model_dump_json(by_alias=True).encode() + b"\n"
        if found:
            after, said_at = found[-1].seq, time.monotonic()
        if len(found) == _BATCH:
            continue
        if is_over:
            return
        if time.monotonic() - said_at >= BEAT_S:
            said_at = time.monotonic()
            yield b"\n"
        await _pause(stopping)


async def _look(
    database: Database, adw_id: str, *, after: int, types: Sequence[EventType]
) -> tuple[bool, Sequence[Event]]:
    """Whether it had ended before the events were read, so that its last event is among them."""
    async with database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
        found = await get_workflow_events(connection, adw_id, after=after, limit=_BATCH, types=types)
    return workflow.status not in UNFINISHED, found


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_S):
            await stopping.wait()
    except TimeoutError:
        return
