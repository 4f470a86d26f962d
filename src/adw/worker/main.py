"""A worker's life: open the parts, execute until told to stop, leave nothing running."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, suppress

import structlog

from adw.engine.dbos_engine import DbosEngine
from adw.engine.settings import EngineSettings
from adw.kit.log import configure_logging
from adw.kit.process import host_identity
from adw.kit.settings import Settings, forget_secrets
from adw.notify import Carrier
from adw.store.listen import listen
from adw.store.migrations import HEAD
from adw.store.notify import WORK_CHANNEL
from adw.wiring.chat import build_conversations
from adw.wiring.database import RunningDatabase, keep_running, migrated_database
from adw.wiring.foundation import Foundation, open_foundation
from adw.wiring.free_agents import build_free_agents
from adw.wiring.resources import HostResources
from adw.wiring.services import build_gateway, build_services
from adw.wiring.summaries import build_summaries
from adw.wiring.triggers import build_trigger_parts
from adw.worker.agency import keep_agents_working
from adw.worker.chatter import keep_chatting
from adw.worker.dispatcher import Dispatcher
from adw.worker.host import Host
from adw.worker.notifier import Notifier, NotifierSettings, keep_notifying
from adw.worker.observer import WorkflowObserver
from adw.worker.outdated import until_outdated
from adw.worker.reconciler import Reconciler
from adw.worker.summarist import keep_summarizing
from adw.worker.triggering import keep_triggering
from adw.worker.waker import keep_waking
from adw.worker.watcher import keep_watching
from adw.worker.watching import Watching
from adw.workflows.interpreter import interpreter

_log = structlog.get_logger(component="worker")


def run_worker(
    settings: Settings, *, name: str | None = None, concurrency: int | None = None, until_eof: bool = False
) -> None:
    """Executes workflows until SIGTERM or SIGINT; with `until_eof`, also until standard input closes.

    It then takes no more work, parks what it does, and returns within the grace time. A second signal shortens that.
    """
    configure_logging(settings.log_level)
    environ = dict(os.environ)
    forget_secrets()
    with migrated_database(settings) as running:
        asyncio.run(_work(settings, running, environ=environ, name=name, concurrency=concurrency, until_eof=until_eof))


async def _work(
    settings: Settings,
    running: RunningDatabase,
    *,
    environ: dict[str, str],
    name: str | None,
    concurrency: int | None,
    until_eof: bool,
) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()
    _stop_on_signals(stop, hurry)
    async with AsyncExitStack() as stack:
        foundation = await stack.enter_async_context(open_foundation(settings, url=running.url, environ=environ))
        gateway = await stack.enter_async_context(build_gateway(foundation))
        services = build_services(foundation, gateway=gateway)
        engine = DbosEngine(
            foundation.database,
            interpret=interpreter(services),
            observer=WorkflowObserver(end_agents=foundation.lifeline.close, keep_agents=foundation.lifeline.extend),
            settings=EngineSettings(
                name=name or f"worker-{os.getpid()}",
                concurrency=concurrency or settings.max_concurrent_workflows,
                code_revision=HEAD,
            ),
        )
        await Reconciler(foundation, engine).at_boot()
        await engine.launch()
        stack.push_async_callback(_close, engine, hurry, grace_s=settings.worker_grace_s)
        waking = keep_waking(foundation.database, engine, limits_changed=gateway.limits_changed)
        watching = Watching(foundation.database, engine, foundation.access)
        conversations = build_conversations(foundation, runtime=services.runtime, gateway=gateway)
        free_agents = build_free_agents(foundation, runtime=services.runtime, gateway=gateway)
        tasks = {
            "waker": waking,
            "agency": keep_agents_working(foundation.database, free_agents, worker_id=engine.executor_id),
            "watcher": keep_watching(foundation.database, watching),
            "chatter": keep_chatting(foundation.database, conversations, worker_id=engine.executor_id),
            "summarist": keep_summarizing(build_summaries(foundation, gateway=gateway)),
            "notifier": keep_notifying(_notifier(foundation, engine)),
        }
        await _tend(foundation, engine, running, tasks, stop=stop, until_eof=until_eof)


async def _tend(
    foundation: Foundation,
    engine: DbosEngine,
    running: RunningDatabase,
    others: Mapping[str, Coroutine[None, None, None]],
    *,
    stop: asyncio.Event,
    until_eof: bool,
) -> None:
    dispatcher = _dispatcher(foundation, engine)

    def wake() -> None:
        dispatcher.wake()
        engine.wake()

    tasks = [
        asyncio.create_task(dispatcher.run(), name="dispatcher"),
        asyncio.create_task(listen(foundation.database, WORK_CHANNEL, wake), name="listener"),
        *(asyncio.create_task(work, name=name) for name, work in others.items()),
        asyncio.create_task(_trigger(foundation, engine), name="triggers"),
        asyncio.create_task(Reconciler(foundation, engine).run(), name="reconciler"),
        asyncio.create_task(_keep(foundation, running), name="database"),
        asyncio.create_task(_stop_when_outdated(foundation, stop), name="revision"),
    ]
    if until_eof:
        tasks.append(asyncio.create_task(_until_eof(stop), name="eof"))
    _log.info("worker_ready", executor=engine.executor_id)
    try:
        await _first_of(stop, tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _log.info("worker_stopping")


def _dispatcher(foundation: Foundation, engine: DbosEngine) -> Dispatcher:
    settings = foundation.settings
    resources = HostResources(settings=settings)
    host = Host(foundation.database, resources, host_id=host_identity(), worker_id=engine.executor_id)
    return Dispatcher(
        foundation.database,
        engine,
        max_active=settings.max_concurrent_workflows,
        per_project=settings.max_concurrent_per_project,
        host=host,
        admitted=engine.wake,
    )


def _notifier(foundation: Foundation, engine: DbosEngine) -> Notifier:
    settings = foundation.settings
    return Notifier(
        foundation.database,
        Carrier(secrets=settings.channel_secrets),
        NotifierSettings(worker_id=engine.executor_id, public_url=settings.public_url),
    )


async def _trigger(foundation: Foundation, engine: DbosEngine) -> None:
    await keep_triggering(build_trigger_parts(foundation), foundation.github, owner=engine.executor_id)


async def _first_of(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Waits for the order to stop, or for the first part that breaks, whose error is raised."""
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            await task
    finally:
        stopping.cancel()


async def _keep(foundation: Foundation, running: RunningDatabase) -> None:
    await keep_running(foundation.database, running)
    await asyncio.Event().wait()


async def _stop_when_outdated(foundation: Foundation, stop: asyncio.Event) -> None:
    await until_outdated(foundation.database)
    stop.set()
    await asyncio.Event().wait()


async def _close(engine: DbosEngine, hurry: asyncio.Event, *, grace_s: float) -> None:
    async def hasten() -> None:
        await hurry.wait()
        engine.hurry()

    hastening = asyncio.create_task(hasten())
    try:
        await engine.close(grace_s=grace_s)
    finally:
        hastening.cancel()


async def _until_eof(stop: asyncio.Event) -> None:
    """Standard input is a pipe to whoever started us; it closes when they are gone, however they went."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def readable() -> None:
        with suppress(BlockingIOError):
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin.fileno())
                closed.set()

    loop.add_reader(sys.stdin.fileno(), readable)
    await closed.wait()
    stop.set()
    await asyncio.Event().wait()


def _stop_on_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def asked() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
