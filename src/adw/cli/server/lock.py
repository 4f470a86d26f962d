"""One server for each data directory: a lock that the kernel gives back however its holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_POLL_S = 0.05


class ServerLock:
    """Held by a serving process for as long as it lives. Children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, *, timeout_s: float = 0.0) -> bool:
        """Whether the lock is ours now; waits at most `timeout_s` for its holder to end."""
        deadline = time.monotonic() + timeout_s
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(_POLL_S)
            else:
                self._descriptor = descriptor
                return True

    def release(self) -> None:
        """Gives it back; harmless when repeated."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Whether some process serves, or is about to."""
    lock = ServerLock(path)
    if not lock.take():
        return True
    lock.release()
    return False
