"""Admission: moves queued workflows to active while there are slots, and hands them to the engine.

The queued rows are the only queue. A slot is taken while a workflow is active and given back when it waits. Whoever
stays queued is told why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from adw.control.legs import start_leg
from adw.domain.admission import Because, Situation, decide
from adw.domain.events import EventType, NewEvent
from adw.domain.shortage import Shortage
from adw.domain.status import Status
from adw.kit.errors import DatabaseError
from adw.ports.engine import Enqueuer
from adw.store import queue
from adw.store.db import Connection, Database
from adw.store.locks import lock_until_commit
from adw.store.workers import shortage_everywhere
from adw.store.workflows import transition
from adw.worker.host import Host

POLL_S = 0.5
EXPLAIN_S = 0.5
"""How often the queue is told why it waits, unless that takes long: then a twentieth of the time is spent on it."""
_EXPLAIN_SHARE = 20
_MOST_TOLD = 200
"""At once; the rest of a long queue hears it at the next looks."""
_LOCK = "adw.admission"

_log = structlog.get_logger(component="dispatcher")


class Dispatcher:
    """One in each worker; which of them admits a workflow does not matter."""

    def __init__(
        self,
        database: Database,
        enqueuer: Enqueuer,
        *,
        max_active: int,
        per_project: int | None = None,
        host: Host | None = None,
        admitted: Callable[[], None] = lambda: None,
    ) -> None:
        """`per_project` is for projects that name no limit of their own; `host` says when nothing may start.

        `admitted` is called once a workflow was handed to the engine.
        """
        self._database = database
        self._enqueuer = enqueuer
        self._max_active = max_active
        self._per_project = per_project
        self._host = host
        self._admitted = admitted
        self._wake = asyncio.Event()
        self._explain_at = 0.0

    def wake(self) -> None:
        """Something may be waiting: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Admits until cancelled. A database that is away for a while only delays it."""
        while True:
            self._wake.clear()
            try:
                await self.look()
                if self._host is not None:
                    await self._host.look()
            except DatabaseError as error:
                _log.warning("admission_delayed", reason=error.message)
            await self._pause()

    async def look(self) -> None:
        """Starts whatever may start, and tells the others why they wait."""
        async with self._database.read() as connection:
            if not await queue.is_anything_queued(connection):
                return
        shortage = None if self._host is None else await self._host.shortage()
        if shortage is None:
            while await self.admit_one():
                pass
        if time.monotonic() >= self._explain_at:
            began = time.monotonic()
            await self.explain(shortage)
            took_s = time.monotonic() - began
            self._explain_at = time.monotonic() + max(EXPLAIN_S, _EXPLAIN_SHARE * took_s)

    async def admit_one(self) -> bool:
        """Starts the workflow whose turn it is, if there is one and a slot for it."""
        async with self._database.begin() as connection:
            await lock_until_commit(connection, _LOCK)
            started = await self._start_next(connection)
        if started:
            self._admitted()
        return started

    async def explain(self, shortage: Shortage | None) -> None:
        """Tells the queued why they wait, as far as it has changed. What this host lacks counts if all lack it."""
        async with self._database.read() as connection:
            if shortage is not None and not await shortage_everywhere(connection):
                return
            told = await queue.whole_queue(connection)
            situation = replace(await self._situation(connection), shortage=shortage)
        waits = decide((each.queued for each in told), situation).waits
        before = {each.queued.adw_id: each.because for each in told}
        changed = [adw_id for adw_id, because in waits.items() if before[adw_id] != because][:_MOST_TOLD]
        if changed:
            await self._tell({adw_id: waits[adw_id] for adw_id in changed})

    async def _tell(self, reasons: dict[str, Because]) -> None:
        async with self._database.begin() as connection:
            await queue.write_reasons(connection, reasons)

    async def _start_next(self, connection: Connection) -> bool:
        situation = await self._situation(connection)
        busy: set[str] = set()
        while situation.active < situation.slots:
            heads = await queue.heads_of_queue(connection, without=busy)
            first = decide(heads, situation).start
            if first is None:
                return False
            if await self._start(connection, first.adw_id):
                return True
            busy.add(first.adw_id)
        return False

    async def _start(self, connection: Connection, adw_id: str) -> bool:
        queued = await queue.claim_queued(connection, adw_id)
        if queued is None:
            return False
        event = NewEvent(type=EventType.WORKFLOW_STARTED, message="started")
        started = await transition(connection, queued.adw_id, to=Status.ACTIVE, event=event)
        await queue.mark_served(connection, queued.project_id)
        await start_leg(connection, enqueuer=self._enqueuer, workflow=started)
        return True

    async def _situation(self, connection: Connection) -> Situation:
        shares = await queue.shares(connection)
        return Situation(slots=self._max_active, per_project=self._per_project, shares=shares)

    async def _pause(self) -> None:
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets a wake-up, and nobody ends this loop.
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
