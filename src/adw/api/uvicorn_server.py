"""The API on uvicorn, for those who ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

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
        ws="websockets-sansio",
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
