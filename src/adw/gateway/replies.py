"""Answers the gateway gives itself, in the shape the Messages API uses for errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from adw.gateway.asgi import Send
from adw.gateway.upstream import Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """An error answer. 403 is never retried by agents, 502 and 503 are."""

    status: int
    kind: str
    message: str
    headers: Headers = field(default_factory=Headers)

    async def send(self, send: Send) -> None:
        body = json.dumps({"type": "error", "error": {"type": self.kind, "message": self.message}}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


UNKNOWN_TOKEN = ErrorReply(
    status=401, kind="authentication_error", message="The run token is missing, unknown or revoked."
)
NOT_FOUND = ErrorReply(status=404, kind="not_found_error", message="The gateway does not serve this.")
TOO_LARGE = ErrorReply(status=413, kind="request_too_large", message="The request is larger than the gateway accepts.")
UNREACHABLE = ErrorReply(status=502, kind="api_error", message="The model API could not be reached.")
NO_BOOKS = ErrorReply(status=503, kind="api_error", message="The request could not be booked, so it was not sent.")


def invalid(message: str) -> ErrorReply:
    return ErrorReply(status=400, kind="invalid_request_error", message=message)


def budget_refused(message: str) -> ErrorReply:
    return ErrorReply(status=403, kind="permission_error", message=message)


def limited(retry_after_s: int) -> ErrorReply:
    return ErrorReply(
        status=429,
        kind="rate_limit_error",
        message="The model API has refused requests of other runs until its limit resets.",
        headers=[(b"retry-after", str(retry_after_s).encode()), (b"x-should-retry", b"false")],
    )
