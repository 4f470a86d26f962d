"""Forks worker processes from one that has done the imports: each line of standard input orders one.

A worker is the program's own, or, when the order asks for it, one composed of the same parts that dies at a chosen
call or loses patience sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from deaths import Hold, Ledger, dying

from adw.agents.options import ClaudeSettings
from adw.agents.plain.request import PlainSettings
from adw.engine.dbos_engine import DbosEngine
from adw.engine.settings import EngineSettings
from adw.kit.settings import read_settings
from adw.store.migrations import HEAD
from adw.wiring.foundation import open_foundation
from adw.wiring.services import build_gateway, build_runtime, build_services
from adw.worker.dispatcher import Dispatcher
from adw.worker.main import run_worker
from adw.worker.observer import WorkflowObserver
from adw.workflows.interpreter import interpreter

LATE = ("httpcore", "anyio._backends._asyncio", "dbos._sys_db_postgres", "uvicorn.lifespan.off")
"""Modules that are loaded when they are first used."""


def main():
    warm()
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            return work(order)
        print(pid, flush=True)
    return None


def warm():
    """What every child would load or count through by itself is done once, before there are any."""
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def reap(_number, _frame):
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def work(order):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    with Path(order["log"]).open("ab", buffering=0) as log, Path(os.devnull).open("rb") as nothing:
        for source, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source.fileno(), number)
    os.environ.clear()
    os.environ.update(order["env"])
    if order["death"] is None and not order["impatient"] and "ledger" not in order and "engine" not in order:
        run_worker(read_settings())
    else:
        asyncio.run(work_oddly(order))


async def work_oddly(order):
    settings = read_settings()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        foundation = await stack.enter_async_context(open_foundation(settings, url=settings.database_url))
        gateway = await stack.enter_async_context(build_gateway(foundation))
        services = build_services(foundation, gateway=gateway)
        if order["impatient"]:
            services = impatient(services, foundation)
        if order["death"] is not None:
            call, when = order["death"]
            services = replace(
                services,
                access=Doomed(services.access, call, when),
                workspaces=Doomed(services.workspaces, call, when),
            )
        interpret = interpreter(services)
        settings = EngineSettings(name="odd", concurrency=15, code_revision=HEAD, poll_s=0.2)
        if "ledger" in order:
            interpret = dying(
                services, interpreter, Ledger(order["ledger"], flows=order["flows"], spare="spare" in order)
            )
            settings = replace(settings, poll_s=0.02, max_recoveries=100)
        if "hold" in order:
            interpret = dying(services, interpreter, Hold(order["hold"], order["folder"]))
        settings = replace(settings, **order.get("engine", {}))
        engine = DbosEngine(
            foundation.database,
            interpret=interpret,
            observer=WorkflowObserver(end_agents=foundation.lifeline.close),
            settings=settings,
        )
        await engine.launch()
        stack.push_async_callback(engine.close, grace_s=5.0)
        dispatching = asyncio.create_task(Dispatcher(foundation.database, engine, max_active=15).run())
        print("worker_ready", flush=True)
        await stop.wait()
        dispatching.cancel()


def impatient(services, foundation):
    runtime = build_runtime(
        foundation,
        claude=ClaudeSettings(max_retries=1, first_byte_timeout_s=3.0, stream_idle_timeout_s=3.0),
        plain=PlainSettings(max_retries=1, silence_timeout_s=3.0),
    )
    return replace(services, runtime=runtime, retry_delays_s=(0.05,))


class Doomed:
    """Passes every call on; at the fatal one the whole process is gone, as by `kill -9`, before or after its effect."""

    def __init__(self, target, call, when):
        self._target = target
        self._call = call
        self._when = when

    def __getattr__(self, name):
        found = getattr(self._target, name)
        if name == self._call:
            return self._fatal(found)
        if name == "forge":
            return lambda project: Doomed(found(project), self._call, self._when)
        if name in {"prepare", "open"}:
            return self._inside(found)
        return found

    def _fatal(self, effect):
        async def call(*args, **keywords):
            if self._when == "after":
                await effect(*args, **keywords)
            print("dies", self._when, self._call, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        return call

    def _inside(self, make):
        async def call(*args, **keywords):
            return Doomed(await make(*args, **keywords), self._call, self._when)

        return call


if __name__ == "__main__":
    main()
