"""A server inside a loop that is already running: it leaves signals alone, tells when it is ready, ends when told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTION = "adw.connection"
"""Where an application finds the transport of its connection (`asyncio.Transport`) in the scope of a request."""

_BACKLOG = 512
_LAST_S = 2.0


class GuestServer(uvicorn.Server):
    """Serves an application on sockets that its owner opens and closes.

    `hastily`: connections are cut when it ends, which each answer in progress notices; else they get their second.
    """

    def __init__(self, config: uvicorn.Config, *, hastily: bool = False) -> None:
        super().__init__(config)
        self._hastily = hastily
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()

    async def run_until_ready(self, sockets: list[socket.socket]) -> asyncio.Task[None]:
        """Starts to serve; the task is over when the server is. Raises what keeps it from starting."""
        serving = asyncio.create_task(self.serve(sockets=sockets))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if serving.done():
            serving.result()
        return serving

    def end(self) -> None:
        self._ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready.set()

    async def main_loop(self) -> None:
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not self._hastily:
            return await super().shutdown(sockets=sockets)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_S)
        return None


class LendingProtocol(H11Protocol):
    """Shows the application its connection, so that it can cut it: an answer that broke off is passed on like that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        app: Any = self.app

        async def with_connection(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            await app({**scope, CONNECTION: transport}, receive, send)

        self.app: Any = with_connection


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError.

    It names its protocol because asyncio sets TCP_NODELAY only then; without it small answers wait 40 ms for company.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def plain_http(app: Any, *, keep_alive_s: int = 5, dated: bool = False) -> uvicorn.Config:
    """For programs to talk to: nothing logged, no headers of the server's own but the date where that is wanted."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        ws="none",
        http=LendingProtocol,
        loop="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=dated,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=1,
    )
