"""One, four and sixteen workflows at once with the real CLI: processor time and memory of each."""

from __future__ import annotations

import asyncio

from benchmarks.context import Context
from benchmarks.crowd import TURN_MS, TURNS, crowds, measures_of
from benchmarks.results import Figure


def measure(context: Context) -> Figure:
    sizes = (1, 4) if context.quick else (1, 4, 16)
    return Figure(
        title="A crowd of agents",
        setting=f"plan-build-test, {TURNS} turns of {TURN_MS} ms, the agents' real CLI, all handed in at once to one "
        "worker. Everything the worker starts counts; the idle worker does not.",
        measures=measures_of(asyncio.run(crowds(context.root, sizes, runtime="claude"))),
    )
