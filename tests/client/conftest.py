"""A server in the test's own loop, on a port of its own; the sync client speaks to it from a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn
from tests.api.conftest import template
from tests.api.stage import TOKEN, Stage, open_stage

from adw.client import AdwClient, AsyncAdwClient

__all__ = ["template"]


@dataclass(slots=True)
class Live:
    """A stage behind a real port."""

    stage: Stage
    url: str
    server: uvicorn.Server
    serving: asyncio.Task[None]

    async def stop(self) -> None:
        """As a server that is shut down in order."""
        self.stage.app.state.stopping.set()
        self.server.should_exit = True
        await self.serving

    async def start_again(self) -> None:
        """On the same port."""
        self.stage.app.state.stopping.clear()
        port = int(self.url.rpartition(":")[2])
        self.server, self.serving = await _serve(self.stage, _listen(port))


@pytest.fixture
async def live(database_url, tmp_path, template) -> AsyncIterator[Live]:
    stage = open_stage(url=database_url, root=tmp_path, template=template)
    listener = _listen(0)
    server, serving = await _serve(stage, listener)
    live = Live(stage=stage, url=f"http://127.0.0.1:{listener.getsockname()[1]}", server=server, serving=serving)
    yield live
    await live.stop()
    await stage.close()


@pytest.fixture
async def client(live: Live) -> AsyncIterator[AsyncAdwClient]:
    async with AsyncAdwClient(live.url, TOKEN, actor="pat") as client:
        yield client


@pytest.fixture
def sync_client(live: Live):
    with contextlib.closing(AdwClient(live.url, TOKEN, actor="pat")) as client:
        yield client


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def _serve(stage: Stage, listener: socket.socket) -> tuple[uvicorn.Server, asyncio.Task[None]]:
    config = uvicorn.Config(stage.app, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign] # signals are pytest's
    serving = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 # it offers nothing to wait for
            await asyncio.sleep(0.005)
    return server, serving
