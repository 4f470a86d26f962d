"""Fifteen workflows at once on one repository, beside one alone."""

from __future__ import annotations

import asyncio

from adw.domain.workflow import Workflow
from benchmarks.context import Context
from benchmarks.family import cpu_s
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, open_stage, worker

TURNS = 4
TURN_MS = 100


def measure(context: Context) -> Figure:
    many = context.repetitions(15, quick=3)
    walls, alone, cpu = asyncio.run(_measure(context, many))
    return Figure(
        title="Many at once",
        setting=f"{many} workflows, plan-build-test, {TURNS} turns of {TURN_MS} ms each, handed in at once on one "
        f"repository, by one worker. A lower bound is {many} times the CPU time of one over the number of cores.",
        measures=[
            Measure(name=f"{many} at once, first accepted until last completed", unit="s", samples=walls,
                    baseline=alone, baseline_name="one alone"),
            Measure(name="for each workflow", unit="s", samples=[wall / many for wall in walls], baseline=alone,
                    baseline_name="one alone"),
            Measure(name="CPU time of one, with all it starts", unit="s", samples=cpu),
        ],
    )  # fmt: skip


async def _measure(context: Context, many: int) -> tuple[list[float], list[float], list[float]]:
    walls: list[float] = []
    alone: list[float] = []
    cpu: list[float] = []
    async with open_stage(context.root, scenario(turns=TURNS, turn_ms=TURN_MS)) as stage:
        with worker(stage) as working:
            await stage.completed(await stage.accept())  # the first run makes the mirror and the baseline
            for _ in range(context.repetitions(2)):
                before = cpu_s(working.pid)
                alone.append(_wall([await stage.completed(await stage.accept())]))
                cpu.append(cpu_s(working.pid) - before)
            walls.append(_wall(await _together(stage, many)))
    return walls, alone, cpu


async def _together(stage: Stage, many: int) -> list[Workflow]:
    ids = await asyncio.gather(*(stage.accept() for _ in range(many)))
    return list(await asyncio.gather(*(stage.completed(each, timeout_s=400) for each in ids)))


def _wall(workflows: list[Workflow]) -> float:
    begin = min(workflow.created_at for workflow in workflows)
    return max((each.completed_at or begin) - begin for each in workflows).total_seconds()
