"""The little of ASGI this server speaks, and the connection underneath for faults that break it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from adw.kit.guest_server import CONNECTION

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LINGER_ZERO = struct.pack("ii", 1, 0)


class Exchange:
    """One HTTP request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._transport: asyncio.Transport | None = scope.get(CONNECTION)
        self._receive = receive
        self._send = send

    async def body(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            message = await self._receive()
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def start(self, status: int, *, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        fields = {"content-type": content_type} | dict(headers or {})
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": data})

    async def respond_json(self, status: int, payload: Any, *, headers: Mapping[str, str] | None = None) -> None:
        data = orjson.dumps(payload)
        sized = dict(headers or {}) | {"content-length": str(len(data))}
        await self.start(status, content_type="application/json", headers=sized)
        await self.finish(data)

    async def hang_up(self, *, reset: bool) -> None:
        """Ends the connection now: with a reset, or after what was written with an ordinary close."""
        if self._transport is None:
            raise RuntimeError("this server does not expose its connections")
        if reset:
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self._transport.abort()
        else:
            self._transport.close()
        await self.wait_for_disconnect()

    async def pause(self, duration_ms: int) -> None:
        """Waits, but not for a caller that has gone."""
        if duration_ms:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait_for_disconnect(), duration_ms / 1000)

    async def wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
