"""A server's own worker: a child that ends when the server does, and is started again when it dies alone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from adw.cli.server.child import close_input, end_child

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0
STABLE_AFTER_S = 30.0
"""A worker that lived this long counts as healthy: its death is answered without delay again."""
_GRACE_S = 20.0
_KEEPER_S = 5.0


class WorkerProcess:
    """Keeps one worker alive from `start` to `stop`.

    The worker's standard input is a pipe that only this process holds: when this process ends, however it ends, the
    pipe closes and the worker finishes by itself.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        self._command = list(command)
        self._env = dict(env)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        """Lets the worker finish: end of input first, then SIGTERM, then SIGKILL."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            end_child(process, grace_s=_GRACE_S)
        if self._keeper.is_alive():
            self._keeper.join(timeout=_KEEPER_S)

    def _keep(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_once()
            if self._stopping.is_set():
                return
            lived_s = time.monotonic() - started
            delay_s = FIRST_DELAY_S if lived_s >= STABLE_AFTER_S else min(delay_s * 2, LONGEST_DELAY_S)
            print(f"the worker ended ({_ending(code)}); starting another in {delay_s:.1f} s", file=sys.stderr)
            self._stopping.wait(delay_s)

    def _run_once(self) -> int:
        with self._lock:
            if self._stopping.is_set():
                return 0
            # A session of its own: Ctrl-C in a terminal reaches the server alone, which then ends its worker.
            process = self._process = subprocess.Popen(
                self._command, env=self._env, stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True
            )
        code = process.wait()
        close_input(process)
        return code


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
