"""From the loss of a worker until another one goes on with its workflow: its process gone, or only silent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time

from adw.domain.workflow import Workflow
from adw.engine.settings import EngineSettings
from benchmarks.context import Context
from benchmarks.figures.recovery import Crash, after_crash, implementor_acts
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, end, open_stage, start_worker

TURNS = 12
TURN_MS = 400
LEASE_S = EngineSettings().lease_s
GOAL_S = LEASE_S + 2.0
HERE_GOAL_S = EngineSettings().beat_s + 2.0
_SETTINGS = {"ADW_AGENT_RUNTIME": "plain"}


def measure(context: Context) -> Figure:
    killed, stopped = asyncio.run(_measure(context))
    return Figure(
        title="Takeover",
        setting=f"Two workers; the one that executes the workflow is killed (-9), or stopped so that its lease of "
        f"{LEASE_S:g} s runs out as that of a lost host does. {TURNS} turns of {TURN_MS} ms, the plain runtime.",
        measures=[
            Measure(name="kill -9 until the loss is on record", unit="s", samples=[each.noticed for each in killed]),
            Measure(
                name="kill -9 until the other worker goes on",
                unit="s",
                samples=[each.goes_on for each in killed],
                goal_at_most=HERE_GOAL_S,
            ),
            Measure(name="silence until the loss is on record", unit="s", samples=[each.noticed for each in stopped]),
            Measure(
                name="silence until the other worker goes on",
                unit="s",
                samples=[each.goes_on for each in stopped],
                goal_at_most=GOAL_S,
            ),
        ],
    )


async def _measure(context: Context) -> tuple[list[Crash], list[Crash]]:
    killed: list[Crash] = []
    stopped: list[Crash] = []
    async with open_stage(context.root, scenario(turns=TURNS, turn_ms=TURN_MS), **_SETTINGS) as stage:
        for _ in range(context.repetitions(3)):
            killed.append(await _lose(stage, signal.SIGKILL))
            stopped.append(await _lose(stage, signal.SIGSTOP))
    return killed, stopped


async def _lose(stage: Stage, how: signal.Signals) -> Crash:
    """One workflow whose worker is lost while the other is idle."""
    workers: list[subprocess.Popen[bytes]] = []
    try:
        workers.append((await asyncio.to_thread(start_worker, stage))[0])
        adw_id = await stage.accept()
        await stage.event(adw_id, lambda event: event.phase == "plan")
        workers.append((await asyncio.to_thread(start_worker, stage))[0])
        await stage.event(adw_id, implementor_acts)
        lost = time.time()
        os.kill(workers[0].pid, how)
        workflow = await stage.completed(adw_id)
        return after_crash(await stage.events(adw_id), lost, ready=0.0, wall=_wall(workflow))
    finally:
        for process in workers:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            await asyncio.to_thread(end, process)


def _wall(workflow: Workflow) -> float:
    return ((workflow.completed_at or workflow.created_at) - workflow.created_at).total_seconds()
