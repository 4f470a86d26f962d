"""One run as its interpreter sees it: steps recorded once, and transactions in which our rows and the record meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dbos import DBOS, PortableWorkflowError
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.engine import upstream
from adw.engine.errors import DuplicateStepError, StepFailedError
from adw.engine.outage import through_outages
from adw.engine.outcomes import failure, success, unwrap
from adw.engine.records import Records
from adw.kit.errors import AdwError, DatabaseError
from adw.ports.engine import JsonObject, JsonValue
from adw.store.db import Database


class DbosLeg:
    """Lives as long as one execution of a run; a recovered run gets a new one and replays the records."""

    def __init__(
        self,
        dbos: DBOS,
        database: Database,
        *,
        run_id: str,
        executor_id: str,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """Made inside the run's own task. Once `is_closing`, the next step parks the run for another worker."""
        self._dbos = dbos
        self._database = database
        self._run_id = run_id
        self._executor_id = executor_id
        self._is_closing = is_closing
        self._root = asyncio.current_task()
        self._names: set[str] = set()
        self._records = Records(database, run_id=run_id)

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def executor_id(self) -> str:
        return self._executor_id

    async def step(self, name: str, work: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        self._claim_name(name)
        place = DBOS.reserve_step()
        await self._park_if_closing()
        known = await self._records.take(place.step_id, name=name)
        if known is not None:
            return unwrap(known)

        async def body() -> JsonObject:
            try:
                return success(await through_outages(work), step=name)
            except AdwError as error:
                return failure(error)

        try:
            record = await place.run_async({"name": name, "preemptible": True}, body)
        except upstream.RunGone as gone:
            raise asyncio.CancelledError(str(gone)) from gone
        except PortableWorkflowError as error:
            raise StepFailedError(f"step {name!r} failed with {error.name}: {error.message}") from error
        return unwrap(record)

    async def transaction(self, name: str, work: Callable[[AsyncConnection], Awaitable[JsonValue]]) -> JsonValue:
        self._claim_name(name)
        slot = upstream.take_slot()
        known = await self._records.take(slot.number, name=name)
        if known is not None:
            return unwrap(known)
        try:
            return unwrap(await through_outages(lambda: self._commit(slot, name, work)))
        except upstream.RunGone as gone:
            raise asyncio.CancelledError(str(gone)) from gone

    async def _commit(
        self, slot: upstream.Slot, name: str, work: Callable[[AsyncConnection], Awaitable[JsonValue]]
    ) -> JsonValue:
        """The record is written last: its lock on the run's row then comes after the locks on ours, as in `revoke`."""
        try:
            async with self._database.begin() as connection:
                known = await self._recorded(slot, name, connection)
                if known is not None:
                    return known
                return await self._record(slot, name, success(await work(connection), step=name), connection)
        except DatabaseError:
            raise
        except AdwError as error:
            async with self._database.begin() as connection:
                return await self._record(slot, name, failure(error), connection)

    async def _recorded(self, slot: upstream.Slot, name: str, connection: AsyncConnection) -> JsonValue:
        output = await connection.run_sync(lambda sync: upstream.recorded(self._dbos, slot, name, sync))
        return None if output is None else upstream.SERIALIZER.deserialize(output)

    async def _record(
        self, slot: upstream.Slot, name: str, record: JsonObject, connection: AsyncConnection
    ) -> JsonObject:
        output = upstream.SERIALIZER.serialize(record)
        await connection.run_sync(lambda sync: upstream.record(self._dbos, slot, name, output, sync))
        return record

    async def _park_if_closing(self) -> None:
        """Ends the whole run here, not only the branch of it that asks: nothing of it may be half recorded."""
        if self._is_closing() and self._root is not None:
            self._root.cancel()
            await asyncio.Event().wait()

    def _claim_name(self, name: str) -> None:
        if name in self._names:
            raise DuplicateStepError(
                f"run {self._run_id} has two steps named {name!r}", hint="put the attempt or round into the name"
            )
        self._names.add(name)
