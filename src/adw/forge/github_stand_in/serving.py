"""A loop in a thread of its own, with the server and the sender of webhooks in it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from adw.forge.github_stand_in.hooks import Hooks
from adw.kit.errors import ConflictError
from adw.kit.guest_server import GuestServer, listen, plain_http

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
        server = GuestServer(plain_http(self._app, dated=True), hastily=True)
        delivering = asyncio.create_task(self._hooks.work())
        serving = await server.run_until_ready([self._listener])
        self._ready.set()
        await self._stop.wait()
        server.end()
        delivering.cancel()
        await asyncio.gather(serving, delivering, return_exceptions=True)


def _listening(port: int) -> socket.socket:
    try:
        return listen("127.0.0.1", port)
    except OSError as error:
        raise ConflictError(f"port {port} cannot be used: {error.strerror}", hint="choose another --port") from error
