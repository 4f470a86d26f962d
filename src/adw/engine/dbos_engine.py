"""The durable engine of a worker: DBOS executes and records runs; lease, reaper and recovery keep them from stranding.

DBOS is one per process, hence so is this.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from adw.engine import runs, upstream
from adw.engine.connection import engine_pool
from adw.engine.enqueuer import DbosEnqueuer
from adw.engine.errors import EngineBusyError
from adw.engine.lease import LEASE_LOST_EXIT, Lease
from adw.engine.leg import DbosLeg
from adw.engine.names import APPLICATION, INTERPRETER, QUEUE, VERSION
from adw.engine.reaper import Reaper
from adw.engine.recovery import Recovery
from adw.engine.settings import EngineSettings
from adw.kit.errors import DatabaseError
from adw.ports.engine import Interpreter, JsonObject, JsonValue, RunObserver, RunStatus
from adw.store import workers
from adw.store.db import Database

_THREADS = 32
_SHORT = 0.25
"""The part of the grace that steps have to end by themselves; the rest is for parking the others and for closing."""
_PARKING = 0.5
_LAST_S = 1.0
_LOOK_S = 0.05
_NAP_S = 0.25
"""How long the thread for notifications, which we do not use, sleeps; closing has to wait for it."""

_log = structlog.get_logger(component="engine")


async def prepare_schema(url: str) -> None:
    """Creates or upgrades the engine's schema. Needed before the first `enqueue`; `launch` does it as well."""

    def migrate() -> None:
        pool = engine_pool(url, size=2)
        upstream.migrate(pool)
        pool.dispose()

    await asyncio.to_thread(migrate)


class DbosEngine(DbosEnqueuer):
    """Executes runs with `interpret`. `exit_process` ends the process when its lease is lost."""

    def __init__(
        self,
        database: Database,
        *,
        interpret: Interpreter,
        observer: RunObserver,
        settings: EngineSettings,
        exit_process: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__(database.url)
        self._database = database
        self._interpret = interpret
        self._observer = observer
        self._settings = settings
        self._exit_process = exit_process
        self._own = Database(database.url, pool_size=1)
        """Beats must not queue behind the work of the rest of the process."""
        self._lease = Lease(self._own, settings, kept=lambda until: observer.lease_kept(until=until))
        recovery = Recovery(self._own, observer, limit=settings.max_recoveries)
        self._reaper = Reaper(
            self._own,
            recovery,
            executor_id=self.executor_id,
            host_id=self._lease.worker.host_id,
            executing=self._executing,
            may_judge=lambda: self._lease.is_steady,
        )
        self._alarm = upstream.Alarm()
        self._is_closing = False
        self._hurry = asyncio.Event()
        self._dbos: DBOS | None = None
        self._pool: Engine | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tender: asyncio.Task[None] | None = None

    @property
    def executor_id(self) -> str:
        return self._lease.worker.id

    async def launch(self) -> None:
        """Registers the worker, takes over from dead neighbours and starts executing on the running loop."""
        if upstream.is_launched():
            raise EngineBusyError(hint="start another worker process instead")
        await prepare_schema(self._database.url)
        await self._lease.register()
        await self._reaper.reap()
        self._pool = engine_pool(self._database.url, size=self._settings.pool_size)
        self._dbos = self._start_dbos(self._pool)
        self.wake()
        self._keeper = self._guarded(self._lease.keep(self._lost))
        self._tender = self._guarded(self._tend())

    def wake(self) -> None:
        """Something may have been queued: look now instead of at the next poll."""
        self._alarm.ring()

    async def drain(self) -> None:
        if self._dbos is not None:
            upstream.close_queue(self._dbos, QUEUE)
            await self._lease.drained()

    async def close(self, *, grace_s: float) -> None:
        if self._dbos is None:
            return
        await self.drain()
        self._is_closing = True
        await _until(lambda: not self._executing() or self._hurry.is_set(), timeout_s=grace_s * _SHORT)
        await _ended(self._tender)
        await self._interrupt(self._dbos, timeout_s=max(_LAST_S, grace_s * _PARKING))
        await self._stop_dbos()
        await self._interrupt(self._dbos, timeout_s=_LAST_S)
        await self._reaper.release()
        await _ended(self._keeper)
        await self._lease.end()
        await self._own.close()
        self._dbos = None
        super().dispose()

    def hurry(self) -> None:
        """Closing shall not wait for anything any more. What is not parked yet is repeated by whoever takes over."""
        self._hurry.set()

    async def cancel(self, run_id: str) -> None:
        async with self._database.begin() as connection:
            await self.revoke(connection, run_id=run_id)

    async def status(self, run_id: str) -> RunStatus | None:
        async with self._database.read() as connection:
            return await runs.status(connection, run_id)

    async def recover(self, executor_ids: Collection[str]) -> list[str]:
        return await self._reaper.recover(executor_ids)

    async def purge(self, *, older_than: timedelta) -> int:
        async with self._database.begin() as connection:
            await workers.purge_workers(connection, older_than=older_than)
            return await runs.purge(connection, older_than=older_than)

    def _start_dbos(self, pool: Engine) -> DBOS:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._database.url,
            "system_database_engine": pool,
            "dbos_system_schema": upstream.SCHEMA,
            "application_version": VERSION,
            "executor_id": self.executor_id,
            "serializer": upstream.SERIALIZER,
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": _NAP_S,
            "run_migrations": False,
            "enable_otlp": False,
            "log_level": "CRITICAL",
            "max_executor_threads": _THREADS,
        }
        dbos = DBOS(config=config)

        async def execute(payload: JsonObject) -> JsonValue:
            run_id = DBOS.workflow_id
            if run_id is None:
                raise EngineBusyError("a leg was called outside a run")
            leg = DbosLeg(
                dbos, self._database, run_id=run_id, executor_id=self.executor_id, is_closing=lambda: self._is_closing
            )
            try:
                return await self._interpret(leg, payload)
            finally:
                self.wake()  # there is room for another one

        DBOS.workflow(name=INTERPRETER, max_recovery_attempts=None)(execute)
        upstream.add_queue(dbos, QUEUE, concurrency=self._settings.concurrency, poll_s=self._settings.poll_s)
        upstream.hasten_cancellation()
        upstream.leave_out_what_nobody_uses()
        self._alarm.watch(QUEUE)
        DBOS.launch()
        return dbos

    async def _stop_dbos(self) -> None:
        """In a thread, since it waits for threads that wait for this loop; and the loop's executor goes with it."""
        self._alarm.stop()
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as closer:
            await loop.run_in_executor(closer, partial(DBOS.destroy, destroy_registry=True))
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="adw"))
        if self._pool is not None:
            self._pool.dispose()

    async def _interrupt(self, dbos: DBOS, *, timeout_s: float) -> None:
        """Cancels what still runs, and lets it tidy up: whoever goes on profits from a snapshot of the tree."""
        tasks = upstream.run_tasks(dbos)
        for task in tasks:
            if not task.cancelling():  # one that parks already must not be disturbed
                task.cancel()
        await _until(
            lambda: all(task.done() for task in tasks) or self._hurry.is_set(),
            timeout_s=timeout_s,
        )
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_S)

    async def _tend(self) -> None:
        """Looks after runs that nobody executes: twice a beat for the dead, so that none outstays its lease by one."""
        for turn in count():
            await asyncio.sleep(self._settings.beat_s / 2)
            try:
                found = await self._reaper.reap()
                if turn % 2:
                    found += await self._reaper.heal()
                if found:
                    self.wake()
            except (DatabaseError, DBAPIError) as error:
                _log.debug("reaping_postponed", reason=str(error))

    async def _lost(self) -> None:
        await self._observer.lease_lost()
        self._exit_process(LEASE_LOST_EXIT)

    def _guarded(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A worker whose keepers failed looks healthy and strands what it owns; better that it ends."""

        def check(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception() is not None:
                _log.critical("keeper_failed", exc_info=task.exception())
                self._exit_process(LEASE_LOST_EXIT)

        task = asyncio.create_task(work)
        task.add_done_callback(check)
        return task

    def _executing(self) -> set[str]:
        return set() if self._dbos is None else upstream.active_runs(self._dbos)


async def _until(condition: Callable[[], bool], *, timeout_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - upstream signals nothing
        await asyncio.sleep(_LOOK_S)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
