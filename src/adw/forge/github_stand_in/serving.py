"""A loop in a thread of its own, with the server and the sender of webhooks in it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from adw.forge.github_stand_in.asgi import CONNECTION, Receive, Scope, Send
from adw.forge.github_stand_in.hooks import Hooks
from adw.kit.errors import ConflictError

_BACKLOG = 256
_START_S = 20.0

Result = TypeVar("Result")


class Serving:
    """Serves an application on 127.0.0.1 from `start` to `stop`."""

    def __init__(self, app: Any, hooks: Hooks, *, port: int = 0) -> None:
        self._app = app
        self._hooks = hooks
        self._listener = _listening(port)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="github-stand-in", daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise ConflictError("the GitHub stand-in did not start in time")

    def stop(self) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs something in the server's loop and waits for it, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, self._listener:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = _Server(_config(self._app))
        delivering = asyncio.create_task(self._hooks.work())
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        self._ready.set()
        await self._stop.wait()
        server.ended.set()
        delivering.cancel()
        await asyncio.gather(serving, delivering, ready, return_exceptions=True)


class _Server(uvicorn.Server):
    """Leaves signals to the process it lives in, and ends at once."""

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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - their owner closes them
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)


class _Protocol(H11Protocol):
    """Lends the application its connection, so that an answer can get lost."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        app: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CONNECTION] = transport
            await app(scope, receive, send)

        self.app: Any = with_transport


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
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
        timeout_graceful_shutdown=1,
    )


def _listening(port: int) -> socket.socket:
    """A listening socket that names its protocol, without which small answers wait 40 ms for company."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConflictError(f"port {port} cannot be used: {error.strerror}", hint="choose another --port") from error
    return listener
