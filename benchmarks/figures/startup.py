"""From a command to its help, to a ready server, to a ready worker."""

from __future__ import annotations

import sys
import time

from adw.kit.postgres import EmbeddedPostgres
from benchmarks.context import Context
from benchmarks.ready import ADW, Took, bare_server, free_port, server, took, until_done
from benchmarks.results import Figure, Measure
from benchmarks.stage import WORKER, end, environment, spawn, wait_for

_NOTHING = (sys.executable, "-c", "pass")
_IMPORTS = (sys.executable, "-c", "import claude_agent_sdk, dbos, sqlalchemy, httpx, uvicorn")


def measure(context: Context) -> Figure:
    data_dir = context.root / "data"
    env = environment(data_dir)
    samples = _Samples()
    for _ in range(context.repetitions(15, quick=3)):
        samples.take("help", until_done([*ADW, "--help"], env=env))
        samples.take("nothing", until_done(_NOTHING))
    with server(data_dir, env, "--no-worker"):
        pass  # makes the database
    for _ in range(context.repetitions(5)):
        samples.take("cold", _server(context, env))
        samples.take("bare", _bare(context))
    with EmbeddedPostgres(data_dir=data_dir) as postgres:
        postgres.start()
        until_done(_IMPORTS)
        for number in range(context.repetitions(5)):
            samples.take("warm", _server(context, env))
            samples.take("worker", _worker(context, env, number))
            samples.take("imports", until_done(_IMPORTS))
    nothing, bare, imports = samples["nothing"], samples["bare"], samples["imports"]
    one_route = "one FastAPI route on uvicorn"
    return Figure(
        title="Start-up",
        setting="The data directory is initialised and the files are in the page cache. A server is ready when "
        "`/health` answers, a worker when it looks for work.",
        measures=[
            Measure(name="`adw --help`", unit="s", samples=samples["help"], baseline=nothing,
                    baseline_name="`python -c pass`", goal_at_most=0.3),
            Measure(name="server, database running", unit="s", samples=samples["warm"], baseline=bare,
                    baseline_name=one_route, goal_at_most=2.0),
            Measure(name="server, database stopped", unit="s", samples=samples["cold"], baseline=bare,
                    baseline_name=one_route, goal_at_most=2.0),
            Measure(name="worker, database running", unit="s", samples=samples["worker"], baseline=imports,
                    baseline_name="importing its libraries"),
            Measure(name="server, processor time", unit="s", samples=samples["warm cpu"], baseline=samples["bare cpu"],
                    baseline_name=one_route),
            Measure(name="worker, processor time", unit="s", samples=samples["worker cpu"]),
        ],
    )  # fmt: skip


class _Samples:
    def __init__(self) -> None:
        self._by_name: dict[str, list[float]] = {}

    def take(self, name: str, spent: float | Took) -> None:
        if isinstance(spent, Took):
            self.take(f"{name} cpu", spent.cpu_s)
            spent = spent.wall_s
        self._by_name.setdefault(name, []).append(spent)

    def __getitem__(self, name: str) -> list[float]:
        return self._by_name[name]


def _server(context: Context, env: dict[str, str]) -> Took:
    with server(context.root / "data", env, "--no-worker") as (_, spent):
        return spent


def _bare(context: Context) -> Took:
    with bare_server(context.root, free_port()) as (_, spent):
        return spent


def _worker(context: Context, env: dict[str, str], number: int) -> Took:
    log = context.root / f"worker-{number}.log"
    started = time.perf_counter()
    process = spawn(WORKER, env=env, log=log)
    try:
        wait_for(lambda: "worker_ready" in log.read_text(errors="replace"), process, log)
        return took(process, started)
    finally:
        end(process)
