"""Ports of a confined application, reachable on our own loopback address while somebody looks at it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from adw.kit.errors import InfrastructureError
from adw.kit.process.confinement import Door

_CHUNK = 1 << 16


@asynccontextmanager
async def ways_in(ports: Iterable[int]) -> AsyncGenerator[tuple[Door, ...]]:
    """Listens on the ports and passes callers on to the doors' sockets, which whoever is inside has to make.

    Raises `InfrastructureError` when a port is taken.
    """
    folder = Path(tempfile.mkdtemp(prefix="adw-in-"))
    doors = tuple(Door(port=port, socket=folder / f"{port}.sock") for port in dict.fromkeys(ports))
    try:
        async with AsyncExitStack() as stack:
            for door in doors:
                await stack.enter_async_context(_listening(door))
            yield doors
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _listening(door: Door) -> AsyncGenerator[None]:
    callers: set[asyncio.Task[None]] = set()

    def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(door, reader, writer))
        callers.add(task)
        task.add_done_callback(callers.discard)

    try:
        server = await asyncio.start_server(call, "127.0.0.1", door.port)
    except OSError as error:
        raise InfrastructureError(f"port {door.port} cannot be listened on: {error.strerror}") from error
    try:
        yield
    finally:
        server.close()
        for task in list(callers):
            task.cancel()
        if callers:
            await asyncio.wait(callers)


async def _serve(door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        async with _closing(writer):
            inner_reader, inner_writer = await _connected(door.socket)
            async with _closing(inner_writer):
                await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))


async def _connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Whoever is inside owns the folder: a link put there could lead to any socket of ours, so none is followed."""
    pinned = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    try:
        if not stat.S_ISSOCK(os.fstat(pinned).st_mode):
            raise ConnectionRefusedError(f"{path} is no socket")
        return await asyncio.open_unix_connection(f"/proc/self/fd/{pinned}")
    finally:
        os.close(pinned)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        writer.close()
