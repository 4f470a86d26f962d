"""How soon the API answers fifty clients at once, with ten thousand workflows and a million events behind it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adw.kit.postgres import EmbeddedPostgres
from adw.store.migrations import migrate
from benchmarks.context import Context
from benchmarks.family import own_cpu_s
from benchmarks.figures.queries import WORKFLOWS, fill
from benchmarks.ready import answers, free_port, server
from benchmarks.results import Figure, Measure, Table, percentile
from benchmarks.stage import end, environment, spawn, wait_for

EVENTS = 1_000_000
FEW_EVENTS = 100_000
CLIENTS = 50
PAUSE_S = 1.0
"""Between an answer and the next question of the same client, on average: what a page that polls does."""
GOAL_MS = 50.0
_BARE = "bare"
_PAGE = 50
_ASKED = [f"{number:08x}" for number in range(600, WORKFLOWS, 97)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one kind of question got."""

    took_ms: Sequence[float]
    per_s: float
    size: int
    cpu_ms: float
    """Processor time of the server for each answer."""

    @property
    def p95(self) -> float:
        return percentile(self.took_ms, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server that can be asked."""

    address: str
    token: str
    pid: int


def measure(context: Context) -> Figure:
    events = FEW_EVENTS if context.quick else EVENTS
    seconds = 4.0 if context.quick else 12.0
    found: dict[tuple[str, bool], Answers] = {}
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        fill(url, events)
        env = environment(context.root / "served") | {"DATABASE_URL": url}
        with _bare(context.root, url, env) as place:
            _ask_all(found, place, {_BARE: [f"/workflow/{each}" for each in _ASKED]}, env=env, seconds=seconds)
        with _served(context.root, env) as place:
            _ask_all(found, place, _paths(events // WORKFLOWS), env=env, seconds=seconds)
    return _figure(found, events=events, seconds=seconds)


def _paths(each: int) -> Mapping[str, list[str]]:
    """Of `each` events a workflow has, the latest are asked for."""
    base = "/api/adw/workflows"
    after = max(0, each - _PAGE)
    return {
        "list, first page of 50": [base],
        "get one workflow": [f"{base}/{name}" for name in _ASKED],
        f"events, page of {min(each, _PAGE)}": [f"{base}/{name}/events?after={after}" for name in _ASKED],
    }


def _figure(found: Mapping[tuple[str, bool], Answers], *, events: int, seconds: float) -> Figure:
    names = [name for name, is_paced in found if is_paced and name != _BARE]
    return Figure(
        title="API",
        setting=f"{WORKFLOWS:,} workflows and {events:,} events; {CLIENTS} clients in another process, each on its own "
        f"connection for {seconds:g} s, the first fifth of which is not counted. Each asks again {PAUSE_S:g} s after "
        "its answer, on average; then all of them as fast as they are answered, which tells how much the server can "
        "do rather than how long somebody waits. Beside it one FastAPI route on the same HTTP server with one indexed "
        "select, asked in the same way.",
        measures=[
            *[_measure(found, name, is_paced=True, goal=GOAL_MS) for name in names],
            *[_measure(found, name, is_paced=False, goal=None) for name in names],
        ],
        tables=[_table(found)],
    )


def _measure(found: Mapping[tuple[str, bool], Answers], name: str, *, is_paced: bool, goal: float | None) -> Measure:
    return Measure(
        name=f"{name}, p95" if is_paced else f"{name}, without a pause, p95",
        unit="ms",
        samples=[found[name, is_paced].p95],
        baseline=[found[_BARE, is_paced].p95],
        baseline_name="a bare select, p95",
        goal_at_most=goal,
    )


def _table(found: Mapping[tuple[str, bool], Answers]) -> Table:
    rows: list[list[str | float]] = [
        [name, "yes" if is_paced else "no", percentile(each.took_ms, 0.5), each.p95, each.per_s, each.cpu_ms, each.size]
        for (name, is_paced), each in found.items()
    ]
    columns = ["asked", "pauses", "p50, ms", "p95, ms", "answers/s", "server's processor time each, ms", "bytes"]
    return Table(title="In detail", columns=columns, rows=rows)


def _ask_all(
    found: dict[tuple[str, bool], Answers],
    place: Place,
    kinds: Mapping[str, list[str]],
    *,
    env: Mapping[str, str],
    seconds: float,
) -> None:
    for pause_s in (PAUSE_S, 0.0):
        for name, paths in kinds.items():
            found[name, pause_s > 0] = _ask(place, paths, env=env, seconds=seconds, pause_s=pause_s)


def _ask(place: Place, paths: Sequence[str], *, env: Mapping[str, str], seconds: float, pause_s: float) -> Answers:
    words = [sys.executable, "-m", "benchmarks.api_client", place.address, place.token]
    before = own_cpu_s(place.pid)
    done = subprocess.run(
        [*words, str(CLIENTS), str(pause_s), str(seconds), *paths],
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    used_s = own_cpu_s(place.pid) - before
    said: dict[str, Any] = json.loads(done.stdout)
    if said["refused"]:
        raise RuntimeError(f"{said['refused']} requests for {paths[0]} were refused")
    return Answers(
        took_ms=said["took_ms"],
        per_s=len(said["took_ms"]) / said["counted_s"],
        size=said["size"],
        cpu_ms=1000 * used_s / said["asked"],
    )


@contextmanager
def _served(root: Path, env: Mapping[str, str]) -> Generator[Place]:
    with server(root / "served", env, "--no-worker") as (process, _):
        said = json.loads((root / "served" / "server.json").read_text())
        yield Place(address=said["url"].removeprefix("http://"), token=said["token"], pid=process.pid)


@contextmanager
def _bare(root: Path, url: str, env: Mapping[str, str]) -> Generator[Place]:
    port, log = free_port(), root / "bare.log"
    process = spawn([sys.executable, "-m", "benchmarks.bare_api", url, str(port)], env=env, log=log)
    wait_for(lambda: answers(f"http://127.0.0.1:{port}"), process, log)
    try:
        yield Place(address=f"127.0.0.1:{port}", token="none", pid=process.pid)
    finally:
        end(process)
