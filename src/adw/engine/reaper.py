"""Looking for workers that are gone and for runs nobody executes; both would otherwise wait for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.engine import runs
from adw.engine.recovery import Recovery
from adw.engine.runs import ActiveRun
from adw.kit.process.decree import end_by_decree
from adw.kit.process.identity import ProcessIdentity, is_alive
from adw.store import workers
from adw.store.db import Database
from adw.store.workers import Worker

_SIGHTINGS = 3
"""A run is claimed a moment before its task starts, so one sighting of a claim without a task means nothing."""

_log = structlog.get_logger(component="engine")


class Reaper:
    """One in each worker; of all, one at a time looks for the dead."""

    def __init__(
        self,
        database: Database,
        recovery: Recovery,
        *,
        executor_id: str,
        host_id: str,
        executing: Callable[[], set[str]],
        may_judge: Callable[[], bool],
    ) -> None:
        """`may_judge` tells whether the database has answered long enough for a missed beat to mean something."""
        self._database = database
        self._recovery = recovery
        self._executor_id = executor_id
        self._executing = executing
        self._host_id = host_id
        self._may_judge = may_judge
        self._sightings: Counter[tuple[str, str | None]] = Counter()

    async def reap(self) -> list[str]:
        """Declares the dead dead and hands their runs over. Returns the ids of the runs queued again."""
        await self._execute_condemned()
        async with self._database.begin() as connection:
            if not await workers.try_reaper_lock(connection):
                return []
            await self._bury_gone(connection)
            expired = await workers.end_expired(connection, spare=self._executor_id) if self._may_judge() else []
        if expired:
            _log.warning("leases_expired", executors=expired)
            await self._execute_condemned()
        return await self._recovery.take_over(await self._orphans())

    async def recover(self, executor_ids: Collection[str]) -> list[str]:
        """Hands over the runs of executors that the caller knows to be dead."""
        async with self._database.begin() as connection:
            await workers.end_workers(connection, executor_ids, reason="recovered")
        return await self._recovery.take_over(run for run in await self._active() if run.executor_id in executor_ids)

    async def heal(self) -> list[str]:
        """Queues runs again that this worker owns but does not execute, once they were seen so three times."""
        executing = self._executing()
        idle = {
            (run.run_id, run.claim): run
            for run in await self._active()
            if run.executor_id == self._executor_id and run.run_id not in executing
        }
        self._sightings = Counter({key: self._sightings[key] + 1 for key in idle})
        lost = [run for key, run in idle.items() if self._sightings[key] >= _SIGHTINGS]
        return await self._recovery.take_over(lost)

    async def release(self) -> None:
        """Hands over what this worker still owns. For closing, when nothing executes any more."""
        await self._recovery.release(run for run in await self._active() if run.executor_id == self._executor_id)

    async def _execute_condemned(self) -> None:
        """Kills processes of this host whose workers were declared dead, by whomever: awake again, they could do harm.

        One that is merely stopped would also keep its file locks.
        """
        async with self._database.read() as connection:
            condemned = await workers.condemned_workers(connection, host_id=self._host_id)
        for worker in condemned:
            if worker.id != self._executor_id and await asyncio.to_thread(end_by_decree, _process(worker)):
                _log.warning("dead_worker_killed", executor=worker.id, pid=worker.pid)

    async def _bury_gone(self, connection: AsyncConnection) -> None:
        neighbours = await workers.live_workers(connection, host_id=self._host_id)
        gone = [worker.id for worker in neighbours if worker.id != self._executor_id and not is_alive(_process(worker))]
        if gone:
            await workers.end_workers(connection, gone, reason="process_gone")
            _log.warning("processes_gone", executors=gone)

    async def _orphans(self) -> list[ActiveRun]:
        """Runs whose owner is not alive. Runs are read first: an owner registers before it claims anything."""
        async with self._database.read() as connection:
            claimed = await runs.active(connection)
            living = {worker.id for worker in await workers.live_workers(connection)} if claimed else set[str]()
        return [run for run in claimed if run.executor_id not in living]

    async def _active(self) -> list[ActiveRun]:
        async with self._database.read() as connection:
            return await runs.active(connection)


def _process(worker: Worker) -> ProcessIdentity:
    return ProcessIdentity(pid=worker.pid, started_at=worker.process_started_at)
