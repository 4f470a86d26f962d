"""Serves a scripted model on the loopback interface: inside a running loop, or as a whole program."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from adw.agents.scripted_model.app import ScriptedModel
from adw.agents.scripted_model.journal import Journal
from adw.agents.scripted_model.loading import load_scenario
from adw.agents.scripted_model.scenario import Scenario
from adw.kit.errors import ConflictError, UsageError
from adw.kit.guest_server import GuestServer, listen, plain_http, url_of

_HOST = "127.0.0.1"


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
        server = GuestServer(plain_http(model), hastily=True)
        serving = await server.run_until_ready([listener])
        try:
            yield ScriptedModelServer(url=url_of(listener), model=model)
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
        url = url_of(listener)
        server = _Announcing(plain_http(ScriptedModel(scenario)), lambda: on_ready and on_ready(url, scenario))
        server.run(sockets=[listener])


class _Announcing(uvicorn.Server):
    """Tells that it is ready only when signals are its own: one sent at the very word must not get lost."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], object]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[socket.socket]:
    try:
        listener = listen(host, port)
    except OSError as error:
        raise ConflictError(f"{host}:{port} cannot be used: {error.strerror}", hint="choose another --port") from error
    with listener:
        yield listener
