"""Many workflows at once with agents that are no processes: what the orchestration itself costs for each."""

from __future__ import annotations

import asyncio

from benchmarks.context import Context
from benchmarks.crowd import TURN_MS, TURNS, crowds, measures_of
from benchmarks.results import Figure


def measure(context: Context) -> Figure:
    sizes = (4, 16) if context.quick else (64, 256)
    return Figure(
        title="A crowd without agents' processes",
        setting=f"plan-build-test, {TURNS} turns of {TURN_MS} ms, the plain runtime, all handed in at once to one "
        "worker. Everything the worker starts counts (git, project commands); the idle worker does not.",
        measures=measures_of(asyncio.run(crowds(context.root, sizes, runtime="plain"))),
    )
