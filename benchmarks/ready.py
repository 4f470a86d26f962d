"""Commands timed until they end, or until they are ready."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.stage import end, spawn, wait_for

ADW = (sys.executable, "-P", "-m", "adw.cli.main")
SERVE = (*ADW, "serve", "--port", "0")
_BARE_SERVER = """
import socket
from fastapi import FastAPI
import uvicorn, sys
app = FastAPI()
@app.get("/health")
def health(): return {}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Seconds on the clock, and of the processor: the latter suffer less from what else the machine does."""

    wall_s: float
    cpu_s: float


def took(process: subprocess.Popen[bytes], started: float) -> Took:
    """Since `started` on the clock of `perf_counter`; the processor time is the process's own."""
    times = psutil.Process(process.pid).cpu_times()
    return Took(wall_s=time.perf_counter() - started, cpu_s=times.user + times.system)


def until_done(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> float:
    """Seconds the command took. Raises when it fails."""
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


@contextmanager
def server(data_dir: Path, env: Mapping[str, str], *words: str) -> Generator[tuple[subprocess.Popen[bytes], Took]]:
    """`adw serve` once `/health` answers, and what it took until then."""
    record, log = data_dir / "server.json", data_dir.with_suffix(".serve.log")
    started = time.perf_counter()
    process = spawn([*SERVE, *words], env=env, log=log)
    wait_for(lambda: _answers_of(record, process.pid), process, log, look_s=0.005)
    try:
        yield process, took(process, started)
    finally:
        end(process)


@contextmanager
def bare_server(folder: Path, port: int) -> Generator[tuple[subprocess.Popen[bytes], Took]]:
    """The least that serves: FastAPI with one route, on the same HTTP server."""
    started = time.perf_counter()
    process = spawn([sys.executable, "-c", _BARE_SERVER, str(port)], env={"PATH": "/usr/bin"}, log=folder / "bare.log")
    wait_for(lambda: answers(f"http://127.0.0.1:{port}"), process, folder / "bare.log", look_s=0.005)
    try:
        yield process, took(process, started)
    finally:
        end(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether `GET /health` is answered with 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _answers_of(record: Path, pid: int) -> bool:
    try:
        said = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return said["pid"] == pid and answers(said["url"])
