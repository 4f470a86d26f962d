from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adw.cli.server.worker_process import WorkerProcess
from adw.kit.process.identity import identify

DEADLINE_S = 20.0
# Says who it is, then ends with its standard input; SIGTERM is not needed.
WORKER = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.stdin.read()"
STUBBORN = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WORKER + "; time.sleep(99)"


@pytest.fixture
def births(tmp_path: Path) -> Callable[[], list[int]]:
    file = tmp_path / "births"
    return lambda: [int(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess([sys.executable, "-c", WORKER, str(tmp_path / "births")], env=dict(os.environ))
    yield process
    process.stop()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def test_a_killed_worker_is_followed_by_another(
    worker: WorkerProcess, births: Callable[[], list[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    worker.start()
    wait_for(lambda: len(births()) == 1)

    os.kill(births()[0], signal.SIGKILL)
    wait_for(lambda: len(births()) == 2)

    assert identify(births()[0]) is None
    assert identify(births()[1]) is not None
    assert "the worker ended (signal 9); starting another in" in capfd.readouterr().err


def test_stopping_lets_it_end_by_itself_and_starts_no_other(
    worker: WorkerProcess, births: Callable[[], list[int]]
) -> None:
    worker.start()
    wait_for(births)

    worker.stop()
    worker.stop()

    assert [identify(pid) for pid in births()] == [None]


def test_a_worker_is_in_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(
    worker: WorkerProcess, births: Callable[[], list[int]]
) -> None:
    worker.start()
    wait_for(births)

    assert os.getsid(births()[0]) != os.getsid(0)


def test_stopping_one_that_never_started_is_harmless(tmp_path: Path) -> None:
    WorkerProcess(["true"], env={}).stop()


def test_a_worker_that_will_not_end_is_killed(tmp_path: Path, births: Callable[[], list[int]]) -> None:
    import subprocess

    from adw.cli.server.child import end_child

    process = subprocess.Popen([sys.executable, "-c", STUBBORN, str(tmp_path / "births")], stdin=subprocess.PIPE)
    wait_for(births)

    end_child(process, grace_s=0.1, term_s=0.1)

    assert process.returncode == -signal.SIGKILL
