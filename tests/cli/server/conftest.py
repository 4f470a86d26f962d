from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adw.cli.server.record import ServerRecord, read_record
from adw.cli.server.serving import stop_server
from adw.kit.process.identity import identify, is_alive

DEADLINE_S = 60.0

WaitFor = Callable[[Callable[[], object]], object]


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    def wait(condition: Callable[[], object]) -> object:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture(scope="session")
def silent_model() -> Iterator[str]:
    """A model API that takes every request and never answers: agents wait for ever."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for connection in kept:
        connection.close()


@pytest.fixture
def ended() -> Iterator[Callable[[Path], ServerRecord | None]]:
    """Reads a data directory's record; its server is stopped after the test."""
    seen: list[Path] = []

    def read(data_dir: Path) -> ServerRecord | None:
        seen.append(data_dir)
        return read_record(data_dir / "server.json")

    yield read
    for folder in seen:
        record = read_record(folder / "server.json")
        if record is not None:
            stop_server(record)


class ServerTools:
    """What tests do to servers behind their backs."""

    @staticmethod
    def workers_of(server_pid: int) -> list[int]:
        """The pids of a server's own workers."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if parent == server_pid and b"worker" in words:
                        found.append(int(entry.name))
        return [pid for pid in found if identify(pid) is not None]

    @staticmethod
    def kill(record: ServerRecord) -> None:
        os.kill(record.pid, signal.SIGKILL)
        while is_alive(record.process):
            time.sleep(0.005)


@pytest.fixture
def server_tools() -> type[ServerTools]:
    return ServerTools
