"""A workflow's events: a page at a time, or followed as they happen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from adw.api.access.openings import opened_for
from adw.api.inputs import CommaSeparated, Services, WholeAdwId, nothing
from adw.api.live.following import follow_workflow
from adw.api.live.sse import JSON_LINES_TYPE, SSE_TYPE, LiveResponse, as_json_lines, as_sse
from adw.api.openapi import problems
from adw.api.views.events import EventPage, page_json
from adw.domain.events import EventType
from adw.domain.status import UNFINISHED
from adw.kit.errors import UsageError
from adw.store.events import events_and_last
from adw.store.workflows import require_workflow

_MAX_SEQ = 2**63 - 1

After = Annotated[int, Query(ge=0, le=_MAX_SEQ, description="Only events with a larger `seq`")]
LastEventId = Annotated[int | None, Header(ge=0, le=_MAX_SEQ, description="In place of `after`, as browsers send it")]
Types = Annotated[list[EventType], CommaSeparated, Query(default_factory=nothing, description="Only these types")]

router = APIRouter(prefix="/api/adw/workflows/{adw_id}/events", tags=["events"], responses=problems(404))


@router.get("", response_model=EventPage)
async def list_events(
    services: Services,
    adw_id: WholeAdwId,
    types: Types,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Events, oldest first."""
    async with services.database.look() as connection:
        found, last_seq = await events_and_last(connection, adw_id, after=after, limit=limit + 1, types=types)
        if last_seq is None:
            last_seq = (await require_workflow(connection, adw_id)).last_seq
    cursor = found[limit - 1].seq if len(found) > limit else None
    return Response(page_json(found[:limit], last_seq=last_seq, next_cursor=cursor), media_type="application/json")


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {JSON_LINES_TYPE: {}, SSE_TYPE: {}},
            "description": "One event a line, blank lines mean nothing; or server-sent events for who accepts them",
        },
        204: {"description": "For server-sent events: the workflow has ended, and nothing is missing"},
    },
)
async def stream_events(  # noqa: PLR0917 # each is a part of the request
    services: Services,
    request: Request,
    adw_id: WholeAdwId,
    types: Types,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """Events as they happen, until the workflow has ended."""
    is_sse = SSE_TYPE in request.headers.get("accept", "")
    place = after if last_event_id is None else last_event_id
    async with services.database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
    if place > workflow.last_seq:
        raise UsageError(f"`after` is beyond the last event, {workflow.last_seq}", hint="leave it out")
    if is_sse and place == workflow.last_seq and workflow.status not in UNFINISHED:
        return Response(status_code=204)  # anything else would let browsers connect again for ever
    opened = opened_for(request)
    frames = follow_workflow(services, adw_id, after=place, types=types, opened=opened)
    if is_sse:
        return LiveResponse(as_sse(frames, begin=place), media_type=SSE_TYPE)
    return LiveResponse(as_json_lines(frames), media_type=JSON_LINES_TYPE)
