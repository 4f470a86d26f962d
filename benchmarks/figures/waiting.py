"""What a workflow that waits for a person costs its worker and the database in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from adw.domain.status import Status
from benchmarks.context import Context
from benchmarks.family import pss_mib, rss_mib, tree
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, open_stage, postgres_of, worker

WARM = 8
SETTLE_S = 3.0
GOAL_MIB = 1.0
_ASKS = "\n[gates]\nplan_approval = true\n"
_SETTINGS = {"ADW_AGENT_RUNTIME": "plain"}


def measure(context: Context) -> Figure:
    many = context.repetitions(100, quick=16)
    found = asyncio.run(_measure(context, many))
    return Figure(
        title="Waiting workflows",
        setting=f"{many} workflows stop after their plan and wait for approval, after {WARM} others did. Memory of the "
        f"worker and the database {SETTLE_S:g} s after the last, beyond what it was before, for each of them.",
        measures=[
            Measure(name="worker, PSS", unit="MiB", samples=found["worker pss"], goal_at_most=GOAL_MIB),
            Measure(name="worker, RSS", unit="MiB", samples=found["worker rss"]),
            Measure(name="worker and database, PSS", unit="MiB", samples=found["both pss"], goal_at_most=GOAL_MIB),
        ],
    )


async def _measure(context: Context, many: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"worker pss": [], "worker rss": [], "both pss": []}
    script = scenario(turns=3, turn_ms=10)
    async with open_stage(context.root, script, settings_of_project=_ASKS, **_SETTINGS) as stage:
        with worker(stage) as working:
            await _wait(stage, WARM)
            before = await _read(stage, working.pid)
            await _wait(stage, many)
            after = await _read(stage, working.pid)
    for name, was, now in zip(found, before, after, strict=True):
        found[name].append(max(0.0, now - was) / many)
    return found


async def _wait(stage: Stage, many: int) -> None:
    ids = [await stage.accept(kind="plan-build") for _ in range(many)]
    for adw_id in ids:
        await stage.completed(adw_id, wanted=Status.WAITING, timeout_s=300)


async def _read(stage: Stage, pid: int) -> tuple[float, float, float]:
    await asyncio.sleep(SETTLE_S)
    own = pss_mib(tree(pid))
    return own, rss_mib(tree(pid)), own + pss_mib(postgres_of(Path(stage.env["ADW_DATA_DIR"])))
