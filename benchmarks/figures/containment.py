"""What the sandbox adds to the start of a command, beside the same command under the supervisor alone."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from adw.kit.process import Confinement, Door, Launch, Lifeline, SupervisedLauncher
from adw.workspace.sandbox import ThisMachine, find_sandbox
from benchmarks.context import Context
from benchmarks.results import Figure, Measure

_GOAL_MS = 30.0


def measure(context: Context) -> Figure:
    found = asyncio.run(_measure(context.root, context.repetitions(60, quick=10)))
    plain = found["plain"]
    baseline = "under the supervisor alone"
    added = [after - before for before, after in zip(plain, found["contained"], strict=True)]
    behind_door = [after - before for before, after in zip(plain, found["with a door"], strict=True)]
    return Figure(
        title="Containment",
        setting=(
            "`true`, started and ended through the worker's launcher, three ways in turn: as it is, in the sandbox of "
            "a project's command, and in that of an agent, with a door to the gateway."
        ),
        measures=[
            Measure(name="command, contained", unit="ms", samples=found["contained"], baseline=plain,
                    baseline_name=baseline),
            Measure(name="added to a command", unit="ms", samples=added, goal_at_most=_GOAL_MS),
            Measure(name="agent's start, contained", unit="ms", samples=found["with a door"], baseline=plain,
                    baseline_name=baseline),
            Measure(name="added to an agent's start", unit="ms", samples=behind_door),
        ],
    )  # fmt: skip


async def _measure(root: Path, count: int) -> dict[str, list[float]]:
    tree, data = root / "tree", root / "data"
    tree.mkdir()
    sandbox = await find_sandbox(ThisMachine(environment=dict(os.environ), data_dir=data, tools=data / "tools"))
    found: dict[str, list[float]] = {}
    async with await Lifeline.open(root / "life") as lifeline:
        gateway = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), str(root / "g.sock"))
        door = Door(port=9100, socket=root / "g.sock")
        ways = {
            "plain": None,
            "contained": Confinement(writable=(tree,)),
            "with a door": Confinement(writable=(tree,), ways_out=(door,)),
        }
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=root / "run", sandbox=sandbox)
        async with gateway:
            for number in range(count + 1):  # the first round warms up
                for way, confinement in ways.items():
                    launch = Launch(argv=("/bin/true",), cwd=tree, env={"PATH": "/usr/bin"}, confinement=confinement)
                    begin = time.perf_counter()
                    ended = await launcher.run(launch, timeout_s=60)
                    if ended.exit_code != 0:
                        raise RuntimeError(ended.output)
                    if number:
                        found.setdefault(way, []).append((time.perf_counter() - begin) * 1000)
    return found
