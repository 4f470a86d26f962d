from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adw.kit.git import RepositoryLock

_HOLDER = """
import asyncio, sys
from pathlib import Path
from adw.kit.git import RepositoryLock
async def hold():
    async with RepositoryLock(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""


async def _count_owners(locks: list[RepositoryLock], rounds: int) -> int:
    owners, most = 0, 0

    async def work(lock: RepositoryLock) -> None:
        nonlocal owners, most
        for _ in range(rounds):
            async with lock:
                owners += 1
                most = max(most, owners)
                await asyncio.sleep(0)
                owners -= 1

    await asyncio.gather(*(work(lock) for lock in locks))
    return most


async def test_one_task_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    assert await _count_owners([RepositoryLock(tmp_path / "lock")] * 8, rounds=10) == 1


async def test_different_objects_of_one_path_exclude_each_other(tmp_path: Path) -> None:
    assert await _count_owners([RepositoryLock(tmp_path / "new" / "lock") for _ in range(4)], rounds=5) == 1


async def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    child = _hold(tmp_path / "lock")
    lock = RepositoryLock(tmp_path / "lock")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), lock:
            pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    async with asyncio.timeout(10), lock:
        pass


def _hold(path: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


async def test_an_error_inside_releases_the_lock(tmp_path: Path) -> None:
    lock = RepositoryLock(tmp_path / "lock")
    with pytest.raises(ValueError, match="inside"):
        async with lock:
            raise ValueError("inside")
    async with asyncio.timeout(1), lock:
        pass
