"""Memory of an idle server, worker and database, and what an agent at work adds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.bare import converse_all
from benchmarks.context import Context
from benchmarks.family import Peak, pss_mib, rss_mib, tree
from benchmarks.ready import bare_server, free_port, server
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import open_stage, postgres_of, worker, write_sample

SETTLE_S = 2.0
_IMPORTS = "import claude_agent_sdk, dbos, sqlalchemy, httpx, uvicorn, sys; print(flush=True); sys.stdin.read()"
_IMPORTED = (sys.executable, "-c", _IMPORTS)


def measure(context: Context) -> Figure:
    found = asyncio.run(_measure(context))
    bare, libraries = "one FastAPI route on uvicorn", "its libraries, imported"
    rows = [
        ("idle server", "server", "bare", bare),
        ("idle worker", "worker", "imports", libraries),
        ("embedded PostgreSQL, server and worker connected", "postgres", "", ""),
        ("one workflow, at most: its agent, supervisor and tools", "agent", "cli", "the Agent SDK's CLI alone"),
        ("worker at that time", "busy", "worker", "the same, idle"),
    ]
    return Figure(
        title="Memory",
        setting=f"Read {SETTLE_S:g} s after each was ready. PSS shares what several processes use, so it adds up; "
        "RSS does not.",
        measures=[
            Measure(
                name=f"{name}, {kind.upper()}",
                unit="MiB",
                samples=found[f"{key} {kind}"],
                baseline=found.get(f"{base} {kind}", ()),
                baseline_name=base_name,
            )
            for name, key, base, base_name in rows
            for kind in ("pss", "rss")
        ],
    )


async def _measure(context: Context) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}

    def take(name: str, processes: list[psutil.Process]) -> None:
        found.setdefault(f"{name} pss", []).append(pss_mib(processes))
        found.setdefault(f"{name} rss", []).append(rss_mib(processes))

    def take_peak(name: str, peak: Peak) -> None:
        found.setdefault(f"{name} pss", []).append(peak.pss_mib)
        found.setdefault(f"{name} rss", []).append(peak.rss_mib)

    def take_imports() -> None:
        with subprocess.Popen(_IMPORTED, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdout is not None and process.stdout.readline():
                take("imports", tree(process.pid))

    async with open_stage(context.root, scenario(turns=6, turn_ms=500)) as stage:
        data_dir = Path(stage.env["ADW_DATA_DIR"])
        with worker(stage) as working:
            await stage.completed(await stage.accept())  # clones the repository, loads what is loaded late
        for _ in range(context.repetitions(1)):
            with server(data_dir, stage.env, "--no-worker") as (serving, _), worker(stage) as working:
                await asyncio.sleep(SETTLE_S)
                take("server", tree(serving.pid))
                take("worker", tree(working.pid))
                take("postgres", postgres_of(data_dir))
                own = {process.pid for process in tree(working.pid)}
                with Peak(lambda pid=working.pid, own=own: [p for p in tree(pid) if p.pid not in own]) as peak:
                    await stage.completed(await stage.accept())
                take_peak("agent", peak)
                take("busy", [psutil.Process(working.pid)])
            repo = context.root / f"bare-{time.monotonic_ns()}"
            write_sample(repo)
            with Peak(lambda: [p for p in psutil.Process().children(recursive=True) if p.name() == "claude"]) as peak:
                await converse_all(repo, model_url=stage.model_url)
            take_peak("cli", peak)
            with bare_server(context.root, free_port()) as (serving, _):
                await asyncio.sleep(SETTLE_S)
                take("bare", tree(serving.pid))
            await asyncio.to_thread(take_imports)
    return found
