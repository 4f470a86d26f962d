"""Serves an ASGI application on a free loopback port, inside the event loop that is already running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Generator, MutableMapping
from pathlib import Path
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from adw.gateway.asgi import CONNECTION
from adw.kit.process.confinement import Door
from adw.kit.process.sockets import socket_place

KEEP_ALIVE_S = 60
SHUTDOWN_S = 1
BACKLOG = 512


class LoopbackServer:
    """An async context manager; `url` is valid inside it.

    With a `socket_dir` it listens on a unix socket there as well, for those who cannot reach our loopback address.
    """

    def __init__(self, app: Any, *, socket_dir: Path | None = None) -> None:
        config = uvicorn.Config(
            app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            http=_Protocol,
            loop="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        self._server = _Server(config)
        self._socket_dir = socket_dir
        self._socket: socket.socket | None = None
        self._unix: _UnixListener | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        if self._socket is None:
            raise RuntimeError("the server is not running")
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def door(self) -> Door | None:
        """What joins the port of `url` in a sandbox to this server."""
        if self._socket is None or self._unix is None:
            return None
        return Door(port=self._socket.getsockname()[1], socket=self._unix.path)

    async def __aenter__(self) -> Self:
        self._socket = _listen()
        sockets = [self._socket]
        if self._socket_dir is not None:
            self._unix = _UnixListener(self._socket_dir)
            sockets.append(self._unix.socket)
        self._task = asyncio.create_task(self._server.serve(sockets=sockets))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.ended.set()
        if self._task is not None:
            await self._task
        if self._socket is not None:
            self._socket.close()
        if self._unix is not None:
            self._unix.close()


class _UnixListener:
    """A socket that only its owner may connect to, and its place, which goes with it."""

    def __init__(self, folder: Path) -> None:
        self.path, self._own_folder = socket_place(folder, f"gateway-{secrets.token_hex(4)}.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self.socket.bind(str(self.path))
        finally:
            os.umask(before)
        self.socket.listen(BACKLOG)

    def close(self) -> None:
        self.socket.close()
        self.path.unlink(missing_ok=True)
        if self._own_folder is not None:
            self._own_folder.rmdir()


def _listen() -> socket.socket:
    """The protocol is named because asyncio sets TCP_NODELAY only then; without it each first byte comes 40 ms late."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    return listener


class _Server(uvicorn.Server):
    """Without signal handlers: those belong to the process, not to one of its parts."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.ended.wait()


class _Protocol(H11Protocol):
    """Lets the application cut the connection, which is how an answer that broke off is passed on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        app: Any = self.app

        async def with_transport(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            await app({**scope, CONNECTION: transport}, receive, send)

        self.app: Any = with_transport
