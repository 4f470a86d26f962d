"""A stage behind a real port, served by either server, and a client that speaks the live stream's frames."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.api.stage import TOKEN, Stage
from websockets.asyncio.client import ClientConnection, connect

from adw.api.serve import ServerName, _run_server, _Serving

WAIT_S = 20.0


@dataclass(slots=True)
class Client:
    """One socket. `frames` are all that came and were looked at."""

    connection: ClientConnection

    async def say(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind} | fields))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_S):
            return json.loads(await self.connection.recv())

    async def hear_all(self, count: int) -> list[dict[str, Any]]:
        return [await self.hear() for _ in range(count)]

    async def subscribe(self, adw_id: str, **fields: Any) -> dict[str, Any]:
        await self.say("subscribe", adwId=adw_id, **fields)
        return await self.hear()

    async def closed(self) -> tuple[int, str]:
        """How the server closed it."""
        async with asyncio.timeout(WAIT_S):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


@asynccontextmanager
async def served(stage: Stage, server: ServerName = "uvicorn") -> AsyncIterator[str]:
    """The stage's address, as `127.0.0.1:PORT`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    stopping: asyncio.Event = stage.app.state.stopping
    serving = _Serving(host="127.0.0.1", port=port, server=server, idle_exit_s=None)
    serving.stop = stopping
    work = asyncio.create_task(_run_server(serving, serving.watched(stage.app)))
    async with asyncio.timeout(WAIT_S):
        while not await _answers(port):  # noqa: ASYNC110 # it offers nothing to wait for
            await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stopping.set()
        await work


@asynccontextmanager
async def socket_on(
    address: str, *, token: str | None = TOKEN, query: str = "", **headers: str
) -> AsyncIterator[Client]:
    """A socket that has not heard anything yet."""
    given = headers if token is None else headers | {"Authorization": f"Bearer {token}"}
    async with connect(
        f"ws://{address}/ws{query}",
        additional_headers=given,
        proxy=None,
        compression=None,
        ping_interval=None,
        max_queue=None,  # with a full one it would not even notice that the server hangs up
    ) as connection:
        yield Client(connection)


async def _answers(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False
