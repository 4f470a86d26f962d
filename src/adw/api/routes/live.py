"""The live stream: a socket for any number of feeds, and all events as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, WebSocket
from fastapi.responses import Response, StreamingResponse

from adw.api.access.openings import opened_for
from adw.api.inputs import CommaSeparated, Services, nothing
from adw.api.live.following import follow_all
from adw.api.live.session import Session, SocketLimits
from adw.api.live.sse import SSE_TYPE, LiveResponse, as_sse
from adw.api.openapi import problems
from adw.domain.events import EventType
from adw.store.feed import read_horizon

_CURSOR = r"^[0-9]{1,18}\.[0-9a-z]{0,32}\.[0-9]{1,18}(\.[0-9]{1,18})?$"
Cursor = Annotated[str | None, Query(pattern=_CURSOR, description="Only events after the one with this `cursor`")]
LastEventId = Annotated[str | None, Header(max_length=100, description="The same, as browsers send it")]
Types = Annotated[list[EventType], CommaSeparated, Query(default_factory=nothing, description="Only these types")]

router = APIRouter(tags=["events"], responses=problems())


@router.websocket("/ws")
async def live(websocket: WebSocket) -> None:
    state = websocket.app.state
    limits: SocketLimits = getattr(state, "socket_limits", None) or SocketLimits()
    await Session(websocket, feed=state.services.feed, limits=limits).run()


@router.get(
    "/api/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {SSE_TYPE: {}}, "description": "Server-sent events; their ids are cursors"}},
)
async def stream_all_events(
    services: Services,
    request: Request,
    types: Types,
    after: Cursor = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Events of all workflows as they happen, from a cursor or from now on."""
    place = last_event_id or after
    if place is not None:
        await services.feed.place_of(place)
    else:
        async with services.database.read() as connection:
            place = str(await read_horizon(connection))
    opened = opened_for(request)
    frames = follow_all(services, after=place, types=types, opened=opened)
    return LiveResponse(as_sse(frames, begin=place), media_type=SSE_TYPE)
