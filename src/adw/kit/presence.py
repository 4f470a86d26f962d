"""Whether somebody is at work in a place. Kept by file locks, so that the kernel tells when a process dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LOOK_S = 0.02


@contextmanager
def present(file: Path) -> Generator[None]:
    """Is at work while inside. Never waits, and never keeps others from being at work as well."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Waits for no more than a look: nobody holds it exclusively for longer.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


async def deserted(file: Path, *, timeout_s: float) -> bool:
    """Waits until nobody is at work; False when somebody still is after `timeout_s`."""
    if not file.exists():
        return True
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    while not _is_free(file):
        if clock() >= deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def _is_free(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
