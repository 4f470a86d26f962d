"""The little of ASGI the stand-in speaks: whole requests in, whole replies out, and a connection that can be cut.

A request is read to its end before anything is answered: git stops sending when it hears an answer, and a server that
listens for the caller going away while it still reads would lose pieces of a push.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from adw.kit.guest_server import CONNECTION

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_MOST_INFLATED = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` and `raw_query` are as they were sent, percent signs and all; the prefix of the API is taken off later."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes
    transport: asyncio.Transport | None = None

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer: `json` unless there is `raw`; neither for a status without a body."""

    status: int = 200
    json: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.json is None else orjson.dumps(self.json)


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Raises EOFError when the caller goes away before it said everything."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise EOFError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return Request(
        method=scope["method"],
        path=scope.get("raw_path", b"").decode("latin-1").partition("?")[0] or scope["path"],
        raw_query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=_inflated(b"".join(chunks), headers),
        transport=scope.get(CONNECTION),
    )


async def send_reply(reply: Reply, send: Send, *, head_only: bool = False) -> None:
    body = reply.body
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if body and "content-type" not in headers:
        headers["content-type"] = "application/json; charset=utf-8"
    if reply.status not in {204, 304}:
        headers["content-length"] = str(len(body))
    pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if head_only else body})


def cut(request: Request) -> None:
    """Ends the connection without an answer. Raises ConnectionError where no server lent its connection."""
    if request.transport is None:
        raise ConnectionError("the connection was to be cut")
    request.transport.abort()


def _inflated(body: bytes, headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding") != "gzip":
        return body
    try:
        inflated = gzip.decompress(body)
    except (OSError, EOFError, ValueError):
        return b""
    return inflated[:_MOST_INFLATED]
