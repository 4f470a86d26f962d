"""`adw serve` from its first check to its last breath: lock, port, record, worker, API."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

from adw.cli.loading import loading
from adw.cli.server.child import own_command
from adw.cli.server.early import early_database
from adw.cli.server.fingerprint import fingerprint
from adw.cli.server.lock import ServerLock
from adw.cli.server.record import ServerRecord, read_record, record_of_this_process, remove_record, write_record
from adw.cli.server.signals import terminated_in_order
from adw.cli.server.worker_process import WorkerProcess
from adw.kit.errors import ConfigurationError, ConflictError
from adw.kit.paths import DataPaths
from adw.kit.process.identity import is_alive
from adw.kit.settings import Settings

_GRACE_S = 30.0
_PROBE_S = 1.0
"""Longer than other commands hold the lock while they look whether a server holds it."""
_KILLED_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """What was asked for. `idle_exit_s` None serves until stopped."""

    host: str
    port: int
    with_worker: bool
    restart: bool
    server: Literal["granian", "uvicorn"]
    idle_exit_s: float | None


def serve_until_stopped(settings: Settings, plan: ServePlan) -> None:
    """Serves in this process until SIGTERM, SIGINT or idleness ends it, then ends the worker too.

    Raises ConfigurationError for an open door without a token, ConflictError for a port in use or a second server.
    """
    _check_exposure(settings, plan.host)
    paths = DataPaths(settings.data_dir).ensure()
    child_env = dict(os.environ)
    with ExitStack() as stack:
        stack.enter_context(terminated_in_order(code=0))
        stack.enter_context(_alone(paths, restart=plan.restart))
        check_port_is_free(plan.host, plan.port)
        stack.enter_context(early_database(settings))
        token = settings.api_token or secrets.token_urlsafe(32)

        def on_ready(url: str) -> None:
            record = record_of_this_process(url=url, token=token, fingerprint=fingerprint(settings, key=token))
            write_record(paths.server_file, record)
            stack.callback(remove_record, paths.server_file, record)
            if plan.with_worker:
                # Only now: both have much to load, and whoever waits for the server waits for this process alone.
                worker = WorkerProcess(own_command("worker", "--until-eof"), env=child_env)
                stack.callback(worker.stop)
                worker.start()
            print(f"serving at {url}", flush=True)

        _run_api(settings, plan, token=token, on_ready=on_ready)


def check_port_is_free(host: str, port: int) -> None:
    """Raises ConflictError, exit code 7, when something listens there. Port 0 is always free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConflictError(
                    f"port {port} of {host} is in use", hint=f"choose another with --port, for example {port + 1}, or 0"
                ) from error
            raise ConfigurationError(
                f"{host}:{port} cannot be used: {error.strerror}", hint="correct HOST and PORT, or --host and --port"
            ) from error


def stop_server(record: ServerRecord) -> None:
    """Ends a running server: SIGTERM, and SIGKILL when that is not enough."""
    for number, patience_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _KILLED_S)):
        if not is_alive(record.process):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)
        _wait_for_end(record, patience_s)


def _run_api(settings: Settings, plan: ServePlan, *, token: str, on_ready: Callable[[str], None]) -> None:
    with loading():
        from adw.api.serve import run_api

    run_api(
        settings,
        host=plan.host,
        port=plan.port,
        token=token,
        on_ready=on_ready,
        server=plan.server,
        idle_exit_s=plan.idle_exit_s,
    )


def _wait_for_end(record: ServerRecord, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while is_alive(record.process) and time.monotonic() < deadline:
        time.sleep(0.05)


def _check_exposure(settings: Settings, host: str) -> None:
    if settings.api_token is None and not _is_loopback(host):
        raise ConfigurationError(
            f"{host} can be reached from other machines, and no ADW_API_TOKEN is set",
            hint='set one, for example ADW_API_TOKEN="$(openssl rand -hex 32)", or serve on 127.0.0.1',
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _alone(paths: DataPaths, *, restart: bool) -> Generator[None]:
    """Holds the data directory's server lock."""
    lock = ServerLock(paths.server_lock)
    if restart and (running := read_record(paths.server_file)) is not None:
        stop_server(running)
    if not lock.take(timeout_s=_GRACE_S if restart else _PROBE_S):
        running = read_record(paths.server_file)
        where = f" at {running.url}" if running is not None and running.is_alive else ""
        raise ConflictError(
            f"a server of {paths.root} is already running{where}",
            hint="use that one, replace it with `adw serve --restart`, or choose another ADW_DATA_DIR",
        )
    try:
        yield
    finally:
        lock.release()
