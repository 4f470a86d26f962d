"""A worker that notes, one JSON line each, when steps and foreign programs begin and end.

Nothing of the worker is changed: the event loop's way to start programs, through which git, agents and project commands
all go, and the engine's leg are wrapped from outside.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO

from adw.engine.leg import DbosLeg
from adw.kit.settings import read_settings
from adw.worker.main import run_worker
from adw.workflows import baseline


def main() -> None:
    with Path(sys.argv[1]).open("a", buffering=1, encoding="utf-8") as notes:
        _watch_programs(notes)
        for kind in ("step", "transaction"):
            _watch_leg(notes, kind)
        _watch_baseline(notes)
        run_worker(read_settings(), name="bench")


def _watch_programs(notes: TextIO) -> None:
    start = BaseEventLoop.subprocess_exec
    watching: set[asyncio.Task[None]] = set()

    async def watched(self: BaseEventLoop, factory: Any, *argv: Any, **options: Any) -> Any:
        begin = time.time()
        transport, protocol = await start(self, factory, *argv, **options)
        task = self.create_task(note(transport, argv, begin))
        watching.add(task)
        task.add_done_callback(watching.discard)
        return transport, protocol

    async def note(transport: Any, argv: tuple[Any, ...], begin: float) -> None:
        await transport._wait()  # noqa: SLF001 # the only way to hear of the end without being the owner
        _write(notes, kind=_kind(argv), what=_name(argv), begin=begin, end=time.time())

    BaseEventLoop.subprocess_exec = watched  # pyright: ignore[reportAttributeAccessIssue] # passes everything on


def _watch_leg(notes: TextIO, kind: str) -> None:
    """Notes the whole call and, inside it, the phase's own work: what is left is the engine's."""
    original = getattr(DbosLeg, kind)

    async def watched(self: DbosLeg, name: str, work: Callable[..., Awaitable[Any]]) -> Any:
        begin = time.time()
        own: list[tuple[float, float]] = []

        async def timed(*arguments: Any) -> Any:
            since = time.time()
            try:
                return await work(*arguments)
            finally:
                own.append((since, time.time()))

        try:
            return await original(self, name, timed)
        finally:
            _write(notes, kind=kind, what=name, run=self.run_id, begin=begin, end=time.time(), own=own)

    setattr(DbosLeg, kind, watched)


def _watch_baseline(notes: TextIO) -> None:
    """The base's tests run beside the planner, in no step of their own."""
    original = baseline._run  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # where only a missing one is run

    async def watched(*arguments: Any) -> Any:
        begin = time.time()
        result = await original(*arguments)
        _write(notes, kind="baseline", what="run_baseline", begin=begin, end=time.time())
        return result

    baseline._run = watched  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _kind(argv: tuple[Any, ...]) -> str:
    if str(argv[0]) == "git":
        return "git"
    return "command" if str(argv[-1]).endswith(".json") else "agent"


def _name(argv: tuple[Any, ...]) -> str:
    if str(argv[0]) != "git":
        return str(argv[0])
    return " ".join(str(part) for part in argv if not str(part).startswith("-") and "=" not in str(part))[:60]


def _write(notes: TextIO, **values: Any) -> None:
    notes.write(json.dumps(values) + "\n")


if __name__ == "__main__":
    main()
