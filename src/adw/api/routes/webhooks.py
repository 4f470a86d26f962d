"""What forges tell us by themselves. A delivery is verified, written down and acknowledged; work on it comes after."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.problems import problem_response
from adw.api.services import ApiServices
from adw.api.wire import Wire
from adw.domain.triggers import Outcome, TriggerSource, Verdict, Why
from adw.forge.github.webhooks import MAX_BYTES, Envelope, Received, receive
from adw.store.deliveries import Arrival, Recorded, arrival_of, count_refused, record

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_DOCUMENTED = {
    "requestBody": {
        "required": True,
        "description": "As GitHub sends it, signed in `X-Hub-Signature-256`",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {"payload": {"type": "string"}}}
            },
        },
    }
}


class AcknowledgedView(Wire):
    """That a delivery was taken; what becomes of it is told at `/api/triggers`."""

    delivery: int = Field(description="Under which it is listed")
    outcome: Outcome
    reason: str | None


@router.post(
    "/github", status_code=202, response_model=AcknowledgedView, responses=problems(401, 413), openapi_extra=_DOCUMENTED
)
async def take_github_delivery(request: Request, services: Services) -> Response:
    """A delivery of GitHub. The signature is checked before anything else is; each delivery is acted on once."""
    envelope = Envelope(
        body=await _body(request),
        signature=request.headers.get("x-hub-signature-256"),
        content_type=request.headers.get("content-type"),
        event=request.headers.get("x-github-event"),
        delivery_id=request.headers.get("x-github-delivery"),
    )
    received = receive(envelope, secret=services.webhook_secret, now=datetime.now(UTC))
    recorded = await _record(services, received)
    verdict = received.verdict
    if recorded is None or (verdict is not None and verdict.outcome is Outcome.REFUSED):
        return _refusal(verdict)
    view = AcknowledgedView(delivery=recorded.id, outcome=recorded.outcome, reason=recorded.reason)
    return Response(view.model_dump_json(by_alias=True), status_code=202, media_type="application/json")


async def _body(request: Request) -> bytes:
    """All of it, or one byte more than is allowed."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MAX_BYTES:
            return bytes(read[: MAX_BYTES + 1])
    return bytes(read)


async def _record(services: ApiServices, received: Received) -> Recorded | None:
    """None for what anybody may have sent: it is only counted."""
    async with services.database.begin() as connection:
        if not received.is_authentic or received.guid is None:
            assert received.verdict is not None  # noqa: S101 # only refusals lack what they are told apart by
            await count_refused(connection, event=received.event, verdict=received.verdict)
            return None
        if received.notice is not None:
            arrival = arrival_of(received.notice, TriggerSource.WEBHOOK, guid=received.guid, event=received.event)
        else:
            arrival = Arrival(
                source=TriggerSource.WEBHOOK,
                event=received.event,
                guid=received.guid,
                repository=received.repository,
                sender=received.sender,
                verdict=received.verdict,
            )
        return await record(connection, arrival)


def _refusal(verdict: Verdict | None) -> Response:
    assert verdict is not None  # noqa: S101 # what has none was recorded
    hint = f"{verdict.why}: `adw trigger list` counts these"
    if verdict.why in {Why.NO_SECRET, Why.BAD_SIGNATURE}:
        headers = {"WWW-Authenticate": "X-Hub-Signature-256"}
        return problem_response(status=401, code="unauthenticated", detail=verdict.detail, hint=hint, headers=headers)
    if verdict.why == Why.TOO_LARGE:
        headers = {"Connection": "close"}
        return problem_response(status=413, code="body_too_large", detail=verdict.detail, hint=hint, headers=headers)
    return problem_response(status=400, code="bad_request", detail=verdict.detail, hint=hint)
