"""Runs the API in this process until it is told to stop, or has had nothing to do for long enough."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any, Literal

import structlog

from adw.api.app import create_app
from adw.api.services import ApiServices
from adw.api.uvicorn_server import run_uvicorn
from adw.api.views.events import event_json
from adw.domain.status import UNFINISHED
from adw.kit.errors import DatabaseError
from adw.kit.log import configure_logging
from adw.kit.settings import Settings, forget_secrets
from adw.store.db import Database
from adw.store.free_agents import has_open_commands
from adw.store.workflows import list_workflows
from adw.stream import Feed
from adw.wiring.database import RunningDatabase, keep_running, migrated_database
from adw.wiring.foundation import Foundation, open_foundation
from adw.wiring.models import pick_model

ServerName = Literal["granian", "uvicorn"]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_LOOK_S = 1.0
_GRACE_S = 5.0
_SOON_S = 0.01

_log = structlog.get_logger(component="api")


def run_api(
    settings: Settings,
    *,
    host: str,
    port: int,
    token: str,
    on_ready: Callable[[str], None],
    server: ServerName = "uvicorn",
    idle_exit_s: float | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT. Port 0 takes any free one; `on_ready` gets the URL once requests are answered.

    With `idle_exit_s` it also ends after that long without a request while no workflow and no command is unfinished.
    """
    configure_logging(settings.log_level)
    _allow_many_sockets()
    environ = dict(os.environ)
    forget_secrets()
    with migrated_database(settings) as running:
        serving = _Serving(host=host, port=port or _free_port(host), server=server, idle_exit_s=idle_exit_s)
        asyncio.run(_serve(settings, running, environ, serving, token=token, on_ready=on_ready))


class _Serving:
    """How this process serves, and when it last had something to do."""

    def __init__(self, *, host: str, port: int, server: ServerName, idle_exit_s: float | None) -> None:
        self.host = host
        self.port = port
        self.server = server
        self.idle_exit_s = idle_exit_s
        self.last_request = time.monotonic()
        self.under_way = 0
        """Requests being answered and open sockets."""
        self.stop = asyncio.Event()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def watched(self, app: AsgiApp) -> AsgiApp:
        """The application, noting when it was last asked something."""

        async def watch(scope: Any, receive: Any, send: Any) -> None:
            self.under_way += 1
            try:
                await app(scope, receive, send)
            finally:
                self.under_way -= 1
                self.last_request = time.monotonic()

        return watch


async def _serve(
    settings: Settings,
    running: RunningDatabase,
    environ: dict[str, str],
    serving: _Serving,
    *,
    token: str,
    on_ready: Callable[[str], None],
) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(_stopped_by_signals(serving.stop))
        foundation = await stack.enter_async_context(open_foundation(settings, url=running.url, environ=environ))
        services = _services(foundation)
        app = create_app(
            services,
            token=token,
            host=serving.host,
            data_dir=settings.data_dir,
            stopping=serving.stop,
            settings=settings,
        )
        server = asyncio.create_task(_run_server(serving, serving.watched(app)), name="server")
        tasks = [
            asyncio.create_task(keep_running(foundation.database, running), name="database"),
            asyncio.create_task(_stop_when_idle(serving, foundation.database), name="idle"),
        ]
        try:
            await _answering(serving, server)
            gc.freeze()  # what is loaded by now stays, and looking through it again and again took a third of the time
            on_ready(serving.url)
            await server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await services.feed.close()


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Generator[None]:
    """By handlers of our own: asyncio's lose a signal while the pipe that wakes its loop is full, as under load."""
    loop = asyncio.get_running_loop()

    def handle(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _services(foundation: Foundation) -> ApiServices:
    return ApiServices(
        database=foundation.database,
        feed=Feed(foundation.database, encode=event_json),
        intake=foundation.intake,
        control=foundation.control,
        steering=foundation.steering,
        access=foundation.access,
        workspaces=foundation.workspaces,
        commands=foundation.commands,
        pick_model=pick_model,
        home=foundation.settings.orchestrator_working_dir,
        webhook_secret=foundation.settings.github_webhook_secret,
    )


async def _run_server(serving: _Serving, app: AsgiApp) -> None:
    if serving.server == "uvicorn":
        await run_uvicorn(app, host=serving.host, port=serving.port, stop=serving.stop)
    else:
        await _run_granian(serving, app)


async def _run_granian(serving: _Serving, app: AsgiApp) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server as GranianServer

    server = GranianServer(app, address=serving.host, port=serving.port, interface=Interfaces.ASGINL, log_enabled=False)
    work = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(serving.stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not work.done():
        await _ended(serving)  # granian hangs up on whatever is still open, without a word
        server.stop()
    await work


async def _ended(serving: _Serving) -> None:
    """Returns once every request has its answer and every socket has been told to connect again, or time is up."""
    until = time.monotonic() + _GRACE_S
    while serving.under_way and time.monotonic() < until:  # noqa: ASYNC110 # it is counted elsewhere
        await asyncio.sleep(_SOON_S)


async def _answering(serving: _Serving, server: asyncio.Task[None]) -> None:
    """Returns once connections are accepted; a server that ends before that has its error raised."""
    while True:
        if server.done():
            await server
            return
        try:
            _, writer = await asyncio.open_connection(serving.host, serving.port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return


async def _stop_when_idle(serving: _Serving, database: Database) -> None:
    if serving.idle_exit_s is None:
        return
    while True:
        await asyncio.sleep(min(_LOOK_S, serving.idle_exit_s))
        if serving.under_way or time.monotonic() - serving.last_request < serving.idle_exit_s:
            continue
        try:
            async with database.read() as connection:
                unfinished = await list_workflows(connection, statuses=sorted(UNFINISHED), limit=1)
                commanded = await has_open_commands(connection)
        except DatabaseError as error:
            _log.warning("idle_check_delayed", reason=error.message)
            continue
        if not unfinished and not commanded:
            _log.info("idle_exit", after_s=serving.idle_exit_s)
            serving.stop.set()
            return


def _allow_many_sockets() -> None:
    """Each takes a file, and the usual soft limit of 1,024 is there for programs that use `select`; ours do not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
