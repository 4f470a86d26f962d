"""The API on uvicorn, with a short cut for what many sockets are sent alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, h11  # pyright: ignore[reportPrivateImportUsage] # as it does
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from adw.api.live.packing import BATCH_EXTENSION, packed, portions
from adw.api.problems import problem_response

if TYPE_CHECKING:
    from websockets.http11 import Request

_GRACE_S = 5
MAX_MESSAGE_BYTES = 1 << 20
"""Of a frame sent by a client; the protocol's own, smaller limit is refused more politely."""


async def run_uvicorn(
    app: Callable[[Any, Any, Any], Awaitable[None]], *, host: str, port: int, stop: asyncio.Event
) -> None:
    """Serves until `stop` is set; connections get five seconds to end."""
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] # an ASGI application, typed more narrowly there
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        http=_Http,
        ws=_Socket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,  # the live stream asks its clients itself, alike on every server
        ws_per_message_deflate=False,  # costs more than it saves between processes of one machine
    )
    server = _Server(config)
    work = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await work


class _Server(uvicorn.Server):
    """Leaves signals to the process it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class _Http(H11Protocol):
    """Refuses what is no HTTP in the form of all other refusals."""

    def send_400_response(self, msg: str) -> None:
        problem = problem_response(
            status=400, code="bad_request", detail=msg, hint="check that the request is valid HTTP"
        )
        head = h11.Response(
            status_code=400, headers=[*problem.raw_headers, (b"connection", b"close")], reason=b"Bad Request"
        )
        for event in (head, h11.Data(data=bytes(problem.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Socket(WebSocketsSansIOProtocol):
    """Offers applications to send several texts at once: one write for all, and no message made for each of them."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else the handshake was refused
            cast(dict[str, Any], self.scope)["extensions"][BATCH_EXTENSION] = self.send_texts

    async def send_texts(self, texts: Sequence[str]) -> None:
        """Returns when there is room for more. Raises ClientDisconnected."""
        for portion in portions(texts):
            if not self.writable.is_set():
                await self.writable.wait()
            if self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            self.transport.write(packed(portion))
