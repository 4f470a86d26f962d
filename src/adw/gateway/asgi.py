"""The little of ASGI the gateway needs: reading a body with a bound, and noticing that the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from adw.gateway.upstream import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyTooLargeError(Exception):
    """The request's body exceeds the bound"""


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request to the gateway."""

    method: str
    path: str
    query: bytes
    headers: Headers
    receive: Receive
    send: Send
    connection: asyncio.Transport

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    async def body(self, *, limit_bytes: int) -> bytes:
        announced = self.header(b"content-length")
        if announced.isdecimal() and int(announced) > limit_bytes:
            raise BodyTooLargeError
        parts = bytearray()
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            parts += message.get("body", b"")
            if len(parts) > limit_bytes:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return bytes(parts)

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def cut(self) -> None:
        """Ends the connection in the middle of an answer: the client must not take it for a complete one."""
        self.connection.close()
        await asyncio.sleep(0)
