"""How soon what was committed reaches many sockets, each event once and in order, while some clients do not read."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from adw.domain.project import ForgeKind
from adw.domain.workflow import NewWorkflow
from adw.kit.ids import new_adw_id
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import Database
from adw.store.migrations import migrate
from adw.store.projects import ensure_project
from adw.store.workflows import create_workflow
from benchmarks.context import Context
from benchmarks.family import Peak, cpu_s, own_cpu_s, rss_mib, tree
from benchmarks.ready import server
from benchmarks.results import Figure, Measure, Table, percentile
from benchmarks.stage import environment

WORKFLOWS = 10
SOCKETS = 1000
LAZY = 50
CLIENTS = 2
"""Processes that hold the sockets."""
EVENTS_PER_S = 200.0
CORES = 4
"""On fewer the rate is lower in proportion: server, database, writer and clients share them."""
GOAL_P99_MS = 250.0


def measure(context: Context) -> Figure:
    cores = os.cpu_count() or 1
    rate = EVENTS_PER_S * min(1.0, cores / CORES)
    seconds = 8.0 if context.quick else 60.0
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        ids = asyncio.run(_write_workflows(url))
        found = _run(context.root, url, ids, rate=rate, seconds=seconds)
    return Figure(
        title="Sockets",
        setting=f"{SOCKETS} sockets, {SOCKETS // WORKFLOWS} on each of {WORKFLOWS} workflows, and {LAZY} more whose "
        f"clients do not read; {rate:g} events/s for {seconds:g} s, hence {rate * SOCKETS / WORKFLOWS:,.0f} frames/s "
        f"({EVENTS_PER_S:g} events/s on {CORES} cores or more, here are {cores}). From the end of the commit, in a "
        "process of its own, until the frame has been read in one of two others.",
        measures=_measures(found),
        tables=[_processor_time(found, seconds=seconds)],
    )


def _measures(found: dict[str, Any]) -> Sequence[Measure]:
    delays = found["delays"]
    return [
        Measure(name="commit to socket, p50", unit="ms", samples=[percentile(delays, 0.5)]),
        Measure(name="commit to socket, p99", unit="ms", samples=[percentile(delays, 0.99)], goal_at_most=GOAL_P99_MS),
        Measure(name="commit to socket, longest", unit="ms", samples=[max(delays)]),
        Measure(name="frames received", unit="frames", samples=[float(len(delays))]),
        Measure(name="frames missing at the end", unit="frames", samples=[found["missing"]], goal_at_most=0),
        Measure(name="frames doubled or out of order", unit="frames", samples=[found["wrong"]], goal_at_most=0),
        Measure(name="readers that lagged", unit="sockets", samples=[found["lagged"]], goal_at_most=0),
        Measure(name="server, all sockets idle", unit="MiB", samples=[found["idle_mib"]]),
        Measure(name="server, at its largest", unit="MiB", samples=[found["peak_mib"]]),
    ]


def _processor_time(found: dict[str, Any], *, seconds: float) -> Table:
    rows = [[name, taken, 100 * taken / seconds] for name, taken in found["cpu"].items()]
    return Table(
        title="Processor time from the first event to the last frame",
        columns=["process", "s", "% of one core"],
        rows=rows,
    )


async def _write_workflows(url: str) -> list[str]:
    database = Database(url)
    ids = [new_adw_id() for _ in range(WORKFLOWS)]
    async with database.begin() as connection:
        await ensure_project(
            connection, project_id="bench", name="bench", forge=ForgeKind.LOCAL, source="/bench", base_branch="main"
        )
        for number, adw_id in enumerate(ids, start=1):
            new = NewWorkflow(
                adw_id=adw_id,
                project_id="bench",
                workflow_type="plan",
                phases=("plan",),
                issue_number=number,
                issue_title="bench",
                issue_body="",
                base_branch="main",
                base_sha="0" * 40,
            )
            await create_workflow(connection, new)
    await database.close()
    return ids


def _run(root: Path, url: str, ids: Sequence[str], *, rate: float, seconds: float) -> dict[str, Any]:
    env = environment(root / "served") | {"DATABASE_URL": url}
    commits = root / "commits.json"
    with ExitStack() as stack:
        served, _ = stack.enter_context(server(root / "served", env, "--no-worker"))
        said = json.loads((root / "served" / "server.json").read_text())
        clients = [_client(said, ids, root / f"delays.{place}", env=env) for place in range(CLIENTS)]
        for client in clients:
            stack.callback(client.kill)
        for client in clients:
            _line(client, wanted="subscribed")
        idle_mib = rss_mib(tree(served.pid))
        pids = {"server": served.pid, "database": EmbeddedPostgres(data_dir=root / "data").status().pid or 0}
        before = {name: _cpu_of(pid) for name, pid in pids.items()}
        with Peak(lambda: tree(served.pid)) as peak:
            words = [sys.executable, "-m", "benchmarks.sockets_writer", url, str(commits), str(rate), str(seconds)]
            own = cpu_s(os.getpid())
            subprocess.run([*words, *ids], env=env, check=True)
            writer_s = cpu_s(os.getpid()) - own
            reports = [json.loads(_tell(client, str(commits))) for client in clients]
            used = {name: _cpu_of(pid) - before[name] for name, pid in pids.items()}
        delays: array[float] = array("d")
        for place in range(CLIENTS):
            delays.frombytes((root / f"delays.{place}").read_bytes())
    totals = {key: float(sum(each[key] for each in reports)) for key in ("missing", "wrong", "lagged")}
    cpu = used | {"writer": writer_s, "clients, all together": sum(each["cpu_s"] for each in reports)}
    return {"delays": sorted(delays), "idle_mib": idle_mib, "peak_mib": peak.rss_mib, "cpu": cpu, **totals}


def _client(said: dict[str, Any], ids: Sequence[str], out: Path, *, env: dict[str, str]) -> subprocess.Popen[str]:
    numbers = (str(SOCKETS // CLIENTS), str(LAZY // CLIENTS))
    words = [sys.executable, "-m", "benchmarks.sockets_client", said["url"], said["token"], *numbers, str(out), *ids]
    return subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _cpu_of(pid: int) -> float:
    """Of the process, of those it started, and of those among them that have ended."""
    return cpu_s(pid) + sum(own_cpu_s(each.pid) for each in tree(pid) if each.pid != pid)


def _tell(client: subprocess.Popen[str], words: str) -> str:
    assert client.stdin is not None
    client.stdin.write(words + "\n")
    client.stdin.flush()
    return _line(client)


def _line(client: subprocess.Popen[str], *, wanted: str = "") -> str:
    assert client.stdout is not None
    line = client.stdout.readline().strip()
    if not line or (wanted and line != wanted):
        raise RuntimeError(f"a client ended early: {line!r}")
    return line
