"""A door to the database that can be shut: TCP on loopback in front of the server's socket."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    """Passes bytes on while it is open. `cut` breaks what is under way and lets nobody in until `restore`."""

    def __init__(self, socket):
        self._socket = socket
        self._open = True
        self._writers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.cut()
        self._server.close()

    def cut(self):
        self._open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def restore(self):
        self._open = True

    async def _serve(self, reader, writer):
        if not self._open:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            theirs, towards = await asyncio.open_unix_connection(self._socket)
            self._writers |= {writer, towards}
            await asyncio.gather(self._pass(reader, towards), self._pass(theirs, writer))

    async def _pass(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        with contextlib.suppress(OSError):
            writer.close()
