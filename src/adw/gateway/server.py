"""Serves an ASGI application on a free loopback port, inside the event loop that is already running."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from pathlib import Path
from typing import Any, Self

from adw.kit.guest_server import GuestServer, listen, plain_http, url_of
from adw.kit.process.confinement import Door
from adw.kit.process.sockets import socket_place

KEEP_ALIVE_S = 60
BACKLOG = 512


class LoopbackServer:
    """An async context manager; `url` is valid inside it.

    With a `socket_dir` it listens on a unix socket there as well, for those who cannot reach our loopback address.
    """

    def __init__(self, app: Any, *, socket_dir: Path | None = None) -> None:
        self._server = GuestServer(plain_http(app, keep_alive_s=KEEP_ALIVE_S))
        self._socket_dir = socket_dir
        self._socket: socket.socket | None = None
        self._unix: _UnixListener | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        if self._socket is None:
            raise RuntimeError("the server is not running")
        return url_of(self._socket)

    @property
    def door(self) -> Door | None:
        """What joins the port of `url` in a sandbox to this server."""
        if self._socket is None or self._unix is None:
            return None
        return Door(port=self._socket.getsockname()[1], socket=self._unix.path)

    async def __aenter__(self) -> Self:
        self._socket = listen("127.0.0.1", 0)
        sockets = [self._socket]
        if self._socket_dir is not None:
            self._unix = _UnixListener(self._socket_dir)
            sockets.append(self._unix.socket)
        self._task = await self._server.run_until_ready(sockets)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.end()
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
