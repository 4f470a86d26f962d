"""Handing a dead executor's runs to the living, and giving up on a run that keeps killing whoever executes it."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.engine import runs
from adw.engine.runs import ActiveRun
from adw.kit.errors import AdwError
from adw.ports.engine import RunObserver
from adw.store.db import Database

_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '500ms'")
"""Shorter than PostgreSQL's search for deadlocks: if a person's command and a recovery collide, the recovery yields."""

_log = structlog.get_logger(component="engine")


class Recovery:
    """Counts consecutive recoveries without progress; at `limit` the run is not started again."""

    def __init__(self, database: Database, observer: RunObserver, *, limit: int) -> None:
        self._database = database
        self._observer = observer
        self._limit = limit

    async def take_over(self, orphans: Iterable[ActiveRun]) -> list[str]:
        """Recovers each run in a transaction of its own. Returns the ids of those queued again.

        One that fails is logged and left for the next attempt: it stays claimed by its dead executor.
        """
        recovered: list[str] = []
        for run in orphans:
            try:
                async with self._database.begin() as connection:
                    await connection.execute(_LOCK_TIMEOUT)
                    if await self._recover(connection, run):
                        recovered.append(run.run_id)
            except (AdwError, DBAPIError) as error:
                _log.warning("recovery_postponed", run_id=run.run_id, reason=str(error))
        return recovered

    async def release(self, own: Iterable[ActiveRun]) -> None:
        """Hands over runs that a closing worker interrupted; no fault of theirs, so nothing is counted."""
        async with self._database.begin() as connection:
            for run in own:
                if await runs.hand_over(connection, run, recoveries=run.recoveries, progress=run.progress):
                    await self._observer.recovered(connection, run_id=run.run_id, previous_executor=run.executor_id)

    async def _recover(self, connection: AsyncConnection, run: ActiveRun) -> bool:
        mark = await self._observer.progress(connection, run_id=run.run_id)
        progress = f"{await runs.recorded_steps(connection, run.run_id)}:{mark}"
        recoveries = run.recoveries + 1 if progress == run.progress else 1
        if recoveries >= self._limit:
            await self._give_up(connection, run)
            return False
        if not await runs.hand_over(connection, run, recoveries=recoveries, progress=progress):
            return False
        await self._observer.recovered(connection, run_id=run.run_id, previous_executor=run.executor_id)
        _log.info("run_recovered", run_id=run.run_id, previous_executor=run.executor_id, recoveries=recoveries)
        return True

    async def _give_up(self, connection: AsyncConnection, run: ActiveRun) -> None:
        if await runs.exhaust(connection, run):
            await self._observer.exhausted(connection, run_id=run.run_id)
            _log.error("run_exhausted", run_id=run.run_id, recoveries=self._limit)
