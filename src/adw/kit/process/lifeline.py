"""The worker's end of the sockets that keep supervised programs alive.

A supervisor stays connected for as long as it runs. When its connection ends, for whatever reason, it kills its whole
process tree: the worker hangs up to end one program, and the kernel hangs up on all of them when the worker dies.
A worker with a lease tells them at each beat until when it holds. One that is stopped, or cut off from the database,
cannot, and what it started ends before anybody else may take its place.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from adw.kit.errors import InfrastructureError
from adw.kit.process.identity import ProcessIdentity, identify
from adw.kit.process.sockets import socket_place

DEFAULT_KILL_TIMEOUT_S = 25.0

_MAX_HELLO_BYTES = 4096
_BACKLOG = 512


class Lifeline:
    """Listens for supervisors. Use `async with await Lifeline.open(folder) as lifeline`."""

    def __init__(self, *, path: Path, own_folder: Path | None = None) -> None:
        self.path = path
        self._own_folder = own_folder
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._unwanted: set[str] = set()
        self._closed = False
        self._lease_until: float | None = None
        self._lapses = 0

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Starts to listen on a socket in `folder`, or in a short private folder when that path is too long."""
        loop = asyncio.get_running_loop()
        try:
            path, own_folder = socket_place(folder, f"lifeline-{secrets.token_hex(4)}.sock")
            lifeline = cls(path=path, own_folder=own_folder)
            lifeline._server = await loop.create_unix_server(
                lambda: _Connection(lifeline), path=str(path), backlog=_BACKLOG
            )
            path.chmod(0o600)
        except OSError as error:
            raise InfrastructureError(f"Cannot listen in {folder}: {error.strerror}") from error
        return lifeline

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def supervisors(self) -> dict[str, list[ProcessIdentity]]:
        """The processes to record for a sweep at the next boot, by the id of their launch."""
        found: dict[str, list[ProcessIdentity]] = {}
        for connection in self._connections:
            if connection.identity is not None:
                found.setdefault(connection.launch_id, []).append(connection.identity)
        return found

    async def kill(self, launch_id: str, *, timeout_s: float = DEFAULT_KILL_TIMEOUT_S) -> bool:
        """Ends every process tree of one launch, also one that is only about to connect. True when all are gone."""
        self._unwanted.add(launch_id)
        return await self._hang_up([c for c in self._connections if c.launch_id == launch_id], timeout_s=timeout_s)

    async def close(self, *, timeout_s: float = DEFAULT_KILL_TIMEOUT_S) -> None:
        """Ends every process tree and stops listening. Harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        if self._server is not None:
            self._server.close()
        await self._hang_up(list(self._connections), timeout_s=timeout_s)
        for connection in list(self._connections):
            connection.drop()
        self.path.unlink(missing_ok=True)
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def extend(self, until: float) -> None:
        """The worker's lease holds at least until then, by the monotonic clock. Tells all supervisors."""
        self._lapses = self.lapses
        self._lease_until = until
        for connection in self._connections:
            connection.tell(until)

    @property
    def is_leased(self) -> bool:
        """Whether programs started here depend on a lease, be it good or not."""
        return self._lease_until is not None

    @property
    def has_lapsed(self) -> bool:
        """Whether the lease is over at present: whatever was running has ended, and nothing can be started."""
        return self._lease_until is not None and time.monotonic() >= self._lease_until

    @property
    def lapses(self) -> int:
        """How often the lease was over so far; a program that saw this number change was ended by it."""
        return self._lapses + self.has_lapsed

    @property
    def lease_until(self) -> float | None:
        return self._lease_until

    def forget(self, launch_id: str) -> None:
        """Drops what is remembered about a launch that will never connect again."""
        self._unwanted.discard(launch_id)

    def is_unwanted(self, launch_id: str) -> bool:
        return self._closed or launch_id in self._unwanted

    def _joined(self, connection: _Connection) -> None:
        self._connections.add(connection)

    def _left(self, connection: _Connection) -> None:
        self._connections.discard(connection)

    async def _hang_up(self, connections: list[_Connection], *, timeout_s: float) -> bool:
        for connection in connections:
            connection.hang_up()
        gone = [connection.gone for connection in connections]
        if not gone:
            return True
        _, pending = await asyncio.wait(gone, timeout=timeout_s)
        return not pending


class _Connection(asyncio.Protocol):
    """One supervisor. It hangs up itself only when nothing of its process tree is left."""

    def __init__(self, lifeline: Lifeline) -> None:
        self.launch_id = ""
        self.identity: ProcessIdentity | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lifeline = lifeline
        self._transport: asyncio.Transport | None = None
        self._hello = b""
        self._is_hung_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._lifeline._joined(self)  # noqa: SLF001 - one module, two halves of one thing  # pyright: ignore[reportPrivateUsage]

    def data_received(self, data: bytes) -> None:
        self._hello += data
        line, newline, _ = self._hello.partition(b"\n")
        if len(self._hello) > _MAX_HELLO_BYTES:
            self.drop()
        elif newline and not self.launch_id:
            self._introduce(line)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason does not matter
        self._lifeline._left(self)  # noqa: SLF001 - as above  # pyright: ignore[reportPrivateUsage]
        if not self.gone.done():
            self.gone.set_result(None)

    def tell(self, until: float) -> None:
        """Says until when the lease holds."""
        if self.launch_id and not self._is_hung_up and self._transport is not None and not self._transport.is_closing():
            self._transport.write(f"{until:.3f}\n".encode())

    def hang_up(self) -> None:
        """Tells the supervisor to kill its tree, and stays to hear that it is done."""
        self._is_hung_up = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _introduce(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            self.launch_id = str(said["id"])
            self.identity = identify(int(said["pid"]))
        except (ValueError, KeyError, TypeError):
            self.drop()
            return
        if self._lifeline.is_unwanted(self.launch_id):
            self.hang_up()
        elif self._lifeline.lease_until is not None:
            self.tell(self._lifeline.lease_until)
