"""Events as the bytes of a response that does not end: JSON lines, or server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from adw.stream import Frame

JSON_LINES_TYPE = "application/x-ndjson"
SSE_TYPE = "text/event-stream"
_RETRY_MS = 1000


async def as_json_lines(frames: AsyncIterator[Frame[Any] | None]) -> AsyncIterator[bytes]:
    """One event a line; a blank line where there was nothing to say."""
    async for frame in frames:
        yield b"\n" if frame is None else frame.text.encode() + b"\n"


async def as_sse(frames: AsyncIterator[Frame[Any] | None]) -> AsyncIterator[bytes]:
    """One message an event, its place as the id; a comment where there was nothing to say."""
    yield f"retry: {_RETRY_MS}\n\n".encode()
    async for frame in frames:
        yield b":\n\n" if frame is None else f"id: {frame.at}\ndata: {frame.text}\n\n".encode()
