"""Keeps the beginning and the end of a program's output, whatever its size."""

from __future__ import annotations

import asyncio
from collections import deque


class HeadAndTail(asyncio.Protocol):
    """Reads a pipe to its end without ever making the writer wait for memory."""

    def __init__(self, max_bytes: int) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head_room = max_bytes // 2
        self._tail_room = max_bytes - self._head_room
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._seen_bytes = 0

    def data_received(self, data: bytes) -> None:
        self._seen_bytes += len(data)
        fits = self._head_room - len(self._head)
        if fits > 0:
            self._head += data[:fits]
            data = data[fits:]
        if data:
            self._tail.append(data)
            self._tail_bytes += len(data)
            self._trim()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - output ends where it ends
        if not self.finished.done():
            self.finished.set_result(None)

    @property
    def truncated(self) -> bool:
        return self._seen_bytes > self._head_room + self._tail_room

    def text(self) -> str:
        """What was kept, with a line in the middle that says how much was left out."""
        tail = b"".join(self._tail)
        if not self.truncated:
            return (bytes(self._head) + tail).decode(errors="replace")
        tail = tail[len(tail) - self._tail_room :]
        notice = f"\n[... {self._seen_bytes - len(self._head) - len(tail)} bytes left out ...]\n"
        return self._head.decode(errors="replace") + notice + tail.decode(errors="replace")

    def _trim(self) -> None:
        while self._tail and self._tail_bytes - len(self._tail[0]) >= self._tail_room:
            self._tail_bytes -= len(self._tail.popleft())
