"""A worker process for tests: executes runs that are lists of steps, and writes down what happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import text

from adw.engine.dbos_engine import DbosEngine
from adw.engine.settings import EngineSettings
from adw.store.db import Database


class Notebook:
    """Appends lines that survive a kill; also the observer, since tests want to see those calls too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = os.open(folder / "log", os.O_WRONLY | os.O_APPEND)

    def write(self, *words: object) -> None:
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())

    async def allowed(self, name: str) -> None:
        while not (self.folder / f"go-{name}").exists():  # noqa: ASYNC110 - the test is another process
            await asyncio.sleep(0.02)

    async def progress(self, _connection: Any, *, run_id: str) -> str:
        mark = self.folder / f"progress-{run_id}"
        return mark.read_text() if mark.exists() else ""

    async def recovered(self, _connection: Any, *, run_id: str, previous_executor: str) -> None:
        self.write("recovered", run_id, previous_executor)

    async def exhausted(self, _connection: Any, *, run_id: str) -> None:
        self.write("exhausted", run_id)

    def lease_kept(self, *, until: float) -> None:
        (self.folder / f"lease-{os.getpid()}").write_text(str(until))

    async def lease_lost(self) -> None:
        self.write("lease_lost", os.getpid())


async def interpret(notebook: Notebook, leg: Any, payload: Any) -> Any:
    results = [await _execute(notebook, leg, step) for step in payload["steps"]]
    notebook.write("finished", leg.run_id, os.getpid())
    return results


async def _execute(notebook: Notebook, leg: Any, step: dict[str, Any]) -> Any:
    name = step["name"]

    async def act() -> Any:
        notebook.write("begin", leg.run_id, name, os.getpid())
        if step.get("raise"):
            raise ValueError(name)
        try:
            if gate := step.get("gate"):
                await notebook.allowed(gate)
        except asyncio.CancelledError:
            if lingering := step.get("lingers"):
                await notebook.allowed(lingering)
            notebook.write("cancelled", leg.run_id, name, os.getpid())
            raise
        notebook.write("end", leg.run_id, name, os.getpid())
        return {"by": os.getpid()}

    async def effect(connection: Any) -> Any:
        insert = text("INSERT INTO effects VALUES (:run_id, :name, :executor)")
        await connection.execute(insert, {"run_id": leg.run_id, "name": name, "executor": str(os.getpid())})
        return await act()

    return await (leg.transaction(name, effect) if step.get("transaction") else leg.step(name, act))


async def main(url: str, folder: Path, options: dict[str, Any]) -> None:
    notebook = Notebook(folder)
    grace_s = options.pop("grace_s", 5.0)
    database = Database(url, pool_size=4)
    engine = DbosEngine(
        database,
        interpret=lambda leg, payload: interpret(notebook, leg, payload),
        observer=notebook,
        settings=EngineSettings(**options),
    )
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            engine.hurry()
        stop.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked)
    await engine.launch()
    notebook.write("launched", os.getpid(), engine.executor_id)
    await stop.wait()
    await engine.close(grace_s=grace_s)
    await database.close()
    notebook.write("closed", os.getpid())


def run(url: str, folder: Path, options: dict[str, Any]) -> None:
    """What a worker process does from its start to its end."""
    errors = os.open(folder / "stderr", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(errors, sys.stderr.fileno())
    asyncio.run(main(url, folder, options))
