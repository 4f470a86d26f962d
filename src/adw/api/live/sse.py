"""Events as the bytes of a response that does not end: JSON lines, or server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from adw.stream import Frame

JSON_LINES_TYPE = "application/x-ndjson"
SSE_TYPE = "text/event-stream"
_RETRY_MS = 1000


async def as_json_lines(frames: AsyncGenerator[Frame[Any] | None]) -> AsyncGenerator[bytes]:
    """One event a line; a blank line where there was nothing to say."""
    async with aclosing(frames):
        async for frame in frames:
            yield b"\n" if frame is None else frame.text.encode() + b"\n"


async def as_sse(frames: AsyncGenerator[Frame[Any] | None], *, begin: object) -> AsyncGenerator[bytes]:
    """One message an event, its place as the id; a comment where there was nothing to say.

    Where it begins is told as well, for clients that lose the connection before anything has happened.
    """
    yield f"retry: {_RETRY_MS}\nid: {begin}\n\n".encode()
    async with aclosing(frames):
        async for frame in frames:
            yield b":\n\n" if frame is None else f"id: {frame.at}\ndata: {frame.text}\n\n".encode()


class LiveResponse(StreamingResponse):
    """Lets go of its feed when it ends, however it ends, and not some time later."""

    def __init__(self, body: AsyncGenerator[bytes], *, media_type: str) -> None:
        super().__init__(body, media_type=media_type)
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._body):
            await super().__call__(scope, receive, send)
