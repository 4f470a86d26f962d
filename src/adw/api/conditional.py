"""Answers that have not changed are not sent again: `ETag` on what is read as JSON, 304 for whoever has it already.

The answer is made all the same, since what it says is spread over many rows; polling saves the way, not the work.
"""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON = "application/json"
_OK = 200


class Conditional:
    """ASGI middleware. Only whole answers to GET are looked at; what is streamed passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get("if-none-match", "")
        await self._app(scope, receive, _Compared(send, wanted=wanted))


class _Compared:
    """Keeps the head of an answer back until its body is there to be compared."""

    def __init__(self, send: Send, *, wanted: str) -> None:
        self._send = send
        self._known = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_comparable(message):
            self._head = message
            return
        if self._head is None:
            await self._send(message)
            return
        head, self._head = self._head, None
        if message.get("more_body"):
            await self._send(head)
            await self._send(message)
            return
        tag = f'"{hashlib.blake2b(message.get("body", b""), digest_size=16).hexdigest()}"'
        headers = MutableHeaders(raw=list(head["headers"]))
        headers["etag"] = f"W/{tag}"
        if tag in self._known or "*" in self._known:
            del headers["content-length"]
            del headers["content-type"]
            await self._send({**head, "status": 304, "headers": headers.raw})
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._send({**head, "headers": headers.raw})
        await self._send(message)


def _is_comparable(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    is_json = headers.get("content-type", "").partition(";")[0] == _JSON
    return message["status"] == _OK and is_json and "etag" not in headers and "content-length" in headers
