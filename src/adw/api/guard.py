"""Which requests are looked at at all: for the right host, from no foreign web page, with a readable address.

Runs before any route is chosen, so that a route cannot be forgotten.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adw.api.problems import problem_response

OPEN_PATHS = frozenset({"/health", "/health/ready"})
"""What anybody may ask: whether the server is there and ready."""
SIGNED_PATHS = "/webhooks/"
"""What lies below is let through under any name and without the token: its senders sign what they send."""
LOGIN_PATHS = "/login/"
"""What lies below is itself a secret, good for one time."""
APPROVAL_PATHS = "/approve/"
"""What lies below is itself a secret, too, that answers one question. It is let through under any name and from any
page: it proves everything by itself, and a browser sends nothing of its own along."""

_POLICY_VIOLATION = 1008
_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI middleware. A server bound to loopback answers only to loopback names, against DNS rebinding."""

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        self._app = app
        self._is_loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        guarded = _with_headers(send)
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif refusal is not None:
            await refusal(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"].startswith((SIGNED_PATHS, APPROVAL_PATHS)):
            return _unreadable_target(scope)
        headers = Headers(scope=scope)
        return self._wrong_host(headers) or _foreign_origin(headers) or _unreadable_target(scope)

    def _wrong_host(self, headers: Headers) -> Response | None:
        name = _host_name(headers.get("host", ""))
        if not self._is_loopback or is_loopback(name):
            return None
        return problem_response(
            status=403,
            code="wrong_host",
            detail=f"this server does not answer to the name {name!r}",
            hint="use http://127.0.0.1 with the server's port",
        )


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _foreign_origin(headers: Headers) -> Response | None:
    origin = headers.get("origin")
    if origin is None or _place(origin) == headers.get("host", "").lower():
        return None
    return problem_response(
        status=403,
        code="foreign_origin",
        detail="web pages of other sites may not use this server",
        hint="open the server's own address",
    )


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _unreadable_target(scope: Scope) -> Response | None:
    raw = unquote_to_bytes(scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape"))
    raw += unquote_to_bytes(scope.get("query_string", b"").replace(b"+", b" "))
    try:
        if "\0" not in raw.decode():
            return None
    except UnicodeDecodeError:
        pass
    return problem_response(
        status=400,
        code="bad_request",
        detail="the address is not valid UTF-8 without NUL characters",
        hint="percent-encode the UTF-8 bytes of what you mean",
    )


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return guarded
