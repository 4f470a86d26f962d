"""From kill -9 of a worker, restarted at once, until its workflow goes on, and what the crash cost in all."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass

from adw.domain.events import Event, EventType
from adw.domain.workflow import Workflow
from benchmarks.context import Context
from benchmarks.results import Figure, Measure
from benchmarks.scenario import scenario
from benchmarks.stage import end, open_stage, start_worker

TURNS = 8
TURN_MS = 400
GOAL_S = 5.0
_NOTED = frozenset({EventType.WORKER_LOST, EventType.WORKFLOW_RECOVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """Seconds from the kill, and the whole run's."""

    worker_ready: float
    noticed: float
    goes_on: float
    agent_acts: float
    wall: float


def measure(context: Context) -> Figure:
    crashes, calm, starts = asyncio.run(_measure(context))
    whole = "an undisturbed run"
    return Figure(
        title="Recovery",
        setting=f"plan-build-test, {TURNS} turns of {TURN_MS} ms; the worker is killed while the implementor is at "
        "work and started again at once. The conversation is resumed where it was.",
        measures=[
            Measure(
                name="kill until the new worker is ready",
                unit="s",
                samples=[crash.worker_ready for crash in crashes],
                baseline=starts,
                baseline_name="start of a worker",
            ),
            Measure(name="kill until the loss is on record", unit="s", samples=[c.noticed for c in crashes]),
            Measure(
                name="kill until the first new event",
                unit="s",
                samples=[crash.goes_on for crash in crashes],
                baseline=starts,
                baseline_name="start of a worker",
                goal_at_most=GOAL_S,
            ),
            Measure(
                name="ready until the first new event", unit="s", samples=[c.goes_on - c.worker_ready for c in crashes]
            ),
            Measure(name="kill until the agent acts again", unit="s", samples=[c.agent_acts for c in crashes]),
            Measure(
                name="accepted until completed",
                unit="s",
                samples=[crash.wall for crash in crashes],
                baseline=calm,
                baseline_name=whole,
            ),
        ],
    )


async def _measure(context: Context) -> tuple[list[Crash], list[float], list[float]]:
    crashes: list[Crash] = []
    calm: list[float] = []
    starts: list[float] = []
    async with open_stage(context.root, scenario(turns=TURNS, turn_ms=TURN_MS)) as stage:
        process, _ = await asyncio.to_thread(start_worker, stage)
        try:
            for _ in range(context.repetitions(2)):
                calm.append(_wall(await stage.completed(await stage.accept())))
                adw_id = await stage.accept()
                await stage.event(adw_id, implementor_acts)
                killed = time.time()
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                process, _ = await asyncio.to_thread(start_worker, stage)
                ready = time.time() - killed
                workflow = await stage.completed(adw_id)
                crashes.append(after_crash(await stage.events(adw_id), killed, ready=ready, wall=_wall(workflow)))
                await asyncio.to_thread(end, process)
                process, start_s = await asyncio.to_thread(start_worker, stage)
                starts.append(start_s)
        finally:
            await asyncio.to_thread(end, process)
    return crashes, calm, starts


def implementor_acts(event: Event) -> bool:
    """Whether this tells that the implementor has done something."""
    return event.type is EventType.AGENT_TOOL_RESULT and event.phase == "build"


def after_crash(events: list[Event], killed: float, *, ready: float, wall: float) -> Crash:
    """What the events tell of a loss at `killed`, in seconds since the epoch."""
    later = [event for event in events if event.created_at.timestamp() > killed]
    recovered = next(number for number, event in enumerate(later) if event.type is EventType.WORKFLOW_RECOVERED)
    after = [event for event in later[recovered:] if event.type not in _NOTED]
    acts = next(event for event in after if event.type in {EventType.AGENT_TEXT, EventType.AGENT_TOOL_USE})
    return Crash(
        worker_ready=ready,
        noticed=later[recovered].created_at.timestamp() - killed,
        goes_on=after[0].created_at.timestamp() - killed,
        agent_acts=acts.created_at.timestamp() - killed,
        wall=wall,
    )


def _wall(workflow: Workflow) -> float:
    if workflow.completed_at is None:
        raise RuntimeError("a completed workflow has its times")
    return (workflow.completed_at - workflow.created_at).total_seconds()
