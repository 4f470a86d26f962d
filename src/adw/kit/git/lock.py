"""One owner at a time for a repository's metadata, among tasks and among processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType

_FIRST_WAIT_S = 0.002
_LONGEST_WAIT_S = 0.05


class RepositoryLock:
    """`async with lock:`. Held by a file lock, so the kernel releases it when a process dies.

    Tasks of one process queue up fairly; other processes are waited for by asking again every few milliseconds.
    Not re-entrant.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = asyncio.Lock()
        self._file = -1

    async def __aenter__(self) -> None:
        await self._turn.acquire()
        try:
            self._file = await self._take_file()
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        self._turn.release()

    async def _take_file(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        wait_s = _FIRST_WAIT_S
        try:
            while not _try_lock(file):
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        except BaseException:
            os.close(file)
            raise
        return file


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
