"""Finds the data directory's server, or starts one in the background that ends itself when nobody needs it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from adw.cli.server.child import own_command
from adw.cli.server.fingerprint import differing, fingerprint
from adw.cli.server.health import answers
from adw.cli.server.lock import is_locked
from adw.cli.server.record import ServerRecord, read_record
from adw.kit.errors import InfrastructureError, ServerMismatchError, UnreachableError
from adw.kit.paths import DataPaths
from adw.kit.settings import Settings

IDLE_EXIT_S = 600
START_TIMEOUT_S = 60.0
"""A first start creates the database; a process that ends earlier is reported at once."""
_POLL_S = 0.05
_LOG_NAME = "server.log"
_TAIL_LINES = 15


def ensure_server(settings: Settings) -> tuple[str, str]:
    """URL and token of this data directory's server, started in the background if none runs.

    Raises ServerMismatchError when it runs with another configuration, InfrastructureError when it cannot be started,
    UnreachableError when its process lives but does not answer.
    """
    paths = DataPaths(settings.data_dir).ensure()
    deadline = time.monotonic() + START_TIMEOUT_S
    child: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        record = read_record(paths.server_file)
        if record is not None and record.is_alive:
            _check_same(record, settings)
            if answers(record.url):
                return record.url, record.token
        elif child is None and not is_locked(paths.server_lock):
            child = _start(paths)
        elif child is not None and child.poll() is not None and not is_locked(paths.server_lock):
            # One that lost a race against another server ended too, but then the lock is held by the winner.
            raise _failed(paths, f"the server ended with code {child.returncode} before it answered")
        time.sleep(_POLL_S)
    record = read_record(paths.server_file)
    if record is not None and record.is_alive:
        raise UnreachableError(f"the server at {record.url} (pid {record.pid}) does not answer", hint=_RESTART)
    raise _failed(paths, f"the server was not ready within {START_TIMEOUT_S:.0f} s")


_RESTART = "restart it with `adw serve --restart`"


def _check_same(record: ServerRecord, settings: Settings) -> None:
    different = differing(server=record.fingerprint, caller=fingerprint(settings, key=record.token))
    if different:
        raise ServerMismatchError(
            f"the server at {record.url} was started with another {', '.join(different)}",
            hint=f"{_RESTART}, or choose another ADW_DATA_DIR",
        )


def _start(paths: DataPaths) -> subprocess.Popen[bytes]:
    with (paths.logs / _LOG_NAME).open("ab") as log:
        return subprocess.Popen(
            own_command("serve", "--host", "127.0.0.1", "--port", "0", "--idle-exit", str(IDLE_EXIT_S)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _failed(paths: DataPaths, what: str) -> InfrastructureError:
    log = paths.logs / _LOG_NAME
    return InfrastructureError(
        f"{what}; its log ends:\n{_tail(log)}", hint=f"see {log}, or run `adw serve` to watch it"
    )


def _tail(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "  (there is none)"
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (it is empty)"
