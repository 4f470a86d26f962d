"""Serves a scripted model on the loopback interface: inside a running loop, or as a whole program."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from adw.agents.scripted_model.app import ScriptedModel
from adw.agents.scripted_model.asgi import TRANSPORT_EXTENSION, Receive, Scope, Send
from adw.agents.scripted_model.journal import Journal
from adw.agents.scripted_model.loading import load_scenario
from adw.agents.scripted_model.scenario import Scenario
from adw.kit.errors import ConflictError, UsageError

_HOST = "127.0.0.1"
_BACKLOG = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedModelServer:
    """A running server: where it answers and what it was asked."""

    url: str
    model: ScriptedModel

    @property
    def journal(self) -> Journal:
        return self.model.journal


@asynccontextmanager
async def serve_scripted_model(scenario: Scenario, *, port: int = 0) -> AsyncGenerator[ScriptedModelServer]:
    """Serves on 127.0.0.1 until the block ends; port 0 takes a free one. Open answers are cut off at the end."""
    model = ScriptedModel(scenario)
    with _listening(_HOST, port) as listener:
        server = _Server(_config(model))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.ready.wait()
            yield ScriptedModelServer(url=_url(listener), model=model)
        finally:
            server.end()
            await serving


def run_model_server(
    scenario_file: str | Path,
    *,
    host: str = _HOST,
    port: int = 0,
    on_ready: Callable[[str, Scenario], None] | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM. `on_ready` is told the URL once connections are accepted.

    Raises UsageError for a host that is not loopback, ConflictError for a port in use, and what `load_scenario` raises.
    """
    if not _is_loopback(host):
        raise UsageError(f"{host}: the scripted model serves loopback addresses only", hint="use --host 127.0.0.1")
    scenario = load_scenario(scenario_file)
    with _listening(host, port) as listener:
        url = _url(listener)
        server = _Announcing(_config(ScriptedModel(scenario)), lambda: on_ready and on_ready(url, scenario))
        server.run(sockets=[listener])


class _Announcing(uvicorn.Server):
    """Tells that it is ready only when signals are its own: one sent at the very word must not get lost."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], object]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()


class _Server(uvicorn.Server):
    """Lives inside somebody else's loop: leaves signals alone, tells when it is ready, ends at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._ended = asyncio.Event()

    def end(self) -> None:
        self._ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - their owner closes them
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # Every answer in progress notices that its caller is gone.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)


class _Protocol(H11Protocol):
    """Shows the application its connection, so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        serve: Any = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT_EXTENSION] = transport
            await serve(scope, receive, send)

        self.app: Any = with_transport


def _config(model: ScriptedModel) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Any", model),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[socket.socket]:
    try:
        listener = _listener(host, port)
    except OSError as error:
        raise ConflictError(f"{host}:{port} cannot be used: {error.strerror}", hint="choose another --port") from error
    with listener:
        yield listener


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket that names its protocol, without which small answers wait 40 ms for company."""
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


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"
