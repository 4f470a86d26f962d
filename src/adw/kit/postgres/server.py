"""Starts, finds and stops the server process of one cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from adw.kit.errors import DatabaseError
from adw.kit.postgres.binaries import PostgresBinaries
from adw.kit.postgres.cluster import DATABASE, SUPERUSER, run_as_server, write_settings
from adw.kit.postgres.place import Place
from adw.kit.postgres.probe import Answer, ask
from adw.kit.process.identity import ProcessIdentity, identify, is_alive

_PAUSE_S = 0.005
_LAST_WORDS_S = 2.0
_FAST_STOP_S = 60.0
_CRASH_STOP_S = 20.0
_MAX_LOG_BYTES = 10_000_000
_LOG_TAIL_BYTES = 2000


def answer(place: Place) -> Answer:
    return ask(place.socket, user=SUPERUSER, database=DATABASE)


def postmaster(place: Place) -> ProcessIdentity | None:
    """The live main process of this cluster. A zombie or a stranger with the recorded pid is none."""
    pid = _recorded_pid(place)
    identity = None if pid is None else identify(pid)
    return identity if identity is not None and _works_in(identity.pid, place.data) else None


def start_server(place: Place, binaries: PostgresBinaries, *, timeout_s: float) -> None:
    """Starts the server and waits until it answers; `DatabaseError` with the end of its log when it does not."""
    _clear_remains(place)
    place.prepare_socket_dir()
    write_settings(place)
    _limit_log(place)
    pg_ctl = [binaries.program("pg_ctl"), "start", "-w", "-s", "-t", str(max(1, round(timeout_s)))]
    try:
        run_as_server(place, binaries, [*pg_ctl, "-D", str(place.data), "-l", str(place.log)], timeout_s=timeout_s + 30)
    except DatabaseError as error:
        if postmaster(place) is not None:
            raise _too_slow(place, timeout_s) from error
        raise DatabaseError(
            f"The database in {place.data} did not start: {_log_tail(place)}", hint=f"The whole story is in {place.log}"
        ) from error


def wait_until_ready(place: Place, *, timeout_s: float) -> Answer:
    """Waits for a server that is starting, as after a crash, when it repeats what had not reached its files."""
    deadline = time.monotonic() + timeout_s
    while True:
        said = answer(place)
        if said in {Answer.READY, Answer.NO_DATABASE} or postmaster(place) is None:
            return said
        if time.monotonic() > deadline:
            raise _too_slow(place, timeout_s)
        time.sleep(_PAUSE_S)


def stop_server(place: Place) -> bool:
    """Stops the server in order, even if others use it: their connections end. False when there was none."""
    identity = postmaster(place)
    if identity is None:
        return False
    for number, patience_s in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, _CRASH_STOP_S)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        if _wait_for_end(identity, patience_s):
            return True
    raise DatabaseError(f"The database server (process {identity.pid}) does not stop")


def _wait_for_end(identity: ProcessIdentity, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while is_alive(identity):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _clear_remains(place: Place) -> None:
    """Removes what a killed server has left: processes that still write, then lock files with a dead or strange pid.

    The order matters: the lock file is what keeps two servers from writing to one cluster.
    """
    lock_files = (place.data / "postmaster.pid", place.socket.with_name(f"{place.socket.name}.lock"), place.socket)
    if not any(os.path.lexists(path) for path in lock_files):
        return
    if postmaster(place) is not None:
        raise DatabaseError(f"A server runs in {place.data} but does not answer", hint=f"See {place.log}")
    _end_orphans(place)
    for path in lock_files:
        path.unlink(missing_ok=True)


def _end_orphans(place: Place) -> None:
    """A dead server's helpers leave by themselves; stuck ones are killed. None may write when the next one starts."""
    deadline = time.monotonic() + _LAST_WORDS_S
    while orphans := [p for p in psutil.process_iter() if _works_in(p.pid, place.data)]:
        if time.monotonic() > deadline:
            for process in orphans:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        if time.monotonic() > deadline + _CRASH_STOP_S:
            raise DatabaseError(f"Processes of an earlier server still use {place.data}")
        time.sleep(_PAUSE_S)


def _works_in(pid: int, data: Path) -> bool:
    """Every process of a server has the cluster as its working folder."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and bool(cwd := process.cwd()) and Path(cwd) == data.resolve()
    except (psutil.Error, OSError):
        return False


def _recorded_pid(place: Place) -> int | None:
    try:
        return int((place.data / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None


def _limit_log(place: Place) -> None:
    if place.log.exists() and place.log.stat().st_size > _MAX_LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.1"))


def _log_tail(place: Place) -> str:
    try:
        return place.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except OSError:
        return "it left no log"


def _too_slow(place: Place, timeout_s: float) -> DatabaseError:
    return DatabaseError(
        f"The database in {place.data} is still recovering after {timeout_s:g} s",
        hint=f"It goes on by itself; try again later, and see {place.log}",
    )
