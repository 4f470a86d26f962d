"""Every private part of DBOS this program leans on, in one place; the contract tests guard what each of them does.

Public calls exist for most of it, but they keep per-queue settings in the database (so that workers could not differ
in concurrency), or open transactions of their own (so that our rows and the step's record could not commit together).
"""
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from dbos import DBOS, DBOSPortableJSONSerializer, _core, _dbos, _queue
from dbos._context import assert_current_dbos_context
from dbos._error import DBOSWorkflowCancelledError, DBOSWorkflowConflictIDError
from dbos._sys_db import SystemDatabase
from sqlalchemy import Connection, Engine

SCHEMA = "dbos"
RunGone = (DBOSWorkflowCancelledError, DBOSWorkflowConflictIDError)
"""Raised by DBOS inside a run that was cancelled, or that another executor owns by now."""

SERIALIZER = DBOSPortableJSONSerializer()
_CANCEL_POLL_S = 0.5
_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Slot:
    """A step's place in its run: numbered in the order of calls, fenced by the token of the claim."""

    run_id: str
    number: int
    owner: str


def migrate(engine: Engine) -> None:
    """Creates or upgrades the schema `dbos`. Safe to call from many processes at once."""
    database = SystemDatabase.create(
        system_database_url="postgresql://unused",
        engine_kwargs={},
        engine=engine,
        schema=SCHEMA,
        serializer=SERIALIZER,
        executor_id=None,
        use_listen_notify=False,
    )
    database.run_migrations()
    database.destroy()


def is_launched() -> bool:
    """Whether this process already has a DBOS."""
    return _dbos._dbos_global_instance is not None


def add_queue(dbos: DBOS, name: str, *, concurrency: int, poll_s: float) -> None:
    """A queue known to this process alone, hence with a concurrency of its own."""
    dbos._registry._register_internal_queue(name, worker_concurrency=concurrency, polling_interval_sec=poll_s)


def close_queue(dbos: DBOS, name: str) -> None:
    """Makes this process stop taking runs from the queue; the poller reads the limit anew each time."""
    dbos._registry._register_internal_queue(name)._worker_concurrency = 0


class Alarm:
    """Wakes the thread that looks into a queue, which otherwise sleeps from one look to the next.

    Handed to it in the place of the event that tells it to stop, which is the only thing it sleeps on.
    """

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._stop = threading.Event()
        self._was_rung = False

    def watch(self, name: str) -> None:
        """Applies to the thread of that queue, when it starts. Into others nobody puts anything."""

        def work(stop_event: threading.Event, dbos: DBOS, queue: _queue.Queue) -> None:
            if queue.name != name:
                stop_event.wait()
                return
            self._stop = stop_event
            _LOOK_INTO(self, dbos, queue)  # pyright: ignore[reportArgumentType] # has all that is asked of it

        _queue.queue_worker_thread = work

    def ring(self) -> None:
        """Look now. From any thread."""
        self._rung.set()

    def stop(self) -> None:
        """Stop now: who is told by the event alone hears it at the next look."""
        self._stop.set()
        self._rung.set()

    def is_set(self) -> bool:
        return self._stop.is_set()

    def wait(self, timeout: float) -> bool:
        """Until somebody rings or the time is over; whether it is time to stop.

        After a ring it looks a second time soon: all workers are rung at once, and one of them has the queue's lock.
        """
        self._was_rung = self._rung.wait(min(timeout, _AGAIN_S) if self._was_rung else timeout)
        self._rung.clear()
        return self._stop.is_set()


_LOOK_INTO = _queue.queue_worker_thread


def hasten_cancellation() -> None:
    """Shortens the interval at which running steps notice that their run was cancelled (upstream: 1 s)."""
    _core._PREEMPTIBLE_POLL_INTERVAL_SEC = _CANCEL_POLL_S


def leave_out_what_nobody_uses() -> None:
    """Runs have no schedule, delay or deadline upstream; its threads for those would ask the database every second."""
    for name in ("dynamic_scheduler_loop", "background_jobs_thread"):
        setattr(_dbos, name, _nothing)


def _nothing(*_: object) -> None: ...


def active_runs(dbos: DBOS) -> set[str]:
    """Runs this process is executing right now."""
    return set(dbos._active_workflows_set.activeList())


def run_tasks(dbos: DBOS) -> set[asyncio.Task[Any]]:
    """The tasks executing them."""
    return set(dbos._workflow_tasks)


def interpreter_loop(dbos: DBOS) -> asyncio.AbstractEventLoop | None:
    """The loop on which runs are executed."""
    return dbos._background_event_loop.target_loop()


def take_slot() -> Slot:
    """Reserves the next step of the run being executed. Must be called before anything is awaited."""
    step = assert_current_dbos_context().snapshot_step_ctx()
    if step.owner_xid is None:
        raise RuntimeError("a run without a claim: it was not started through the queue")
    return Slot(step.workflow_id, step.function_id, step.owner_xid)


def recorded(dbos: DBOS, slot: Slot, name: str, connection: Connection) -> str | None:
    """The record of this step, if there is one. Raises one of `RunGone` for a cancelled run."""
    dbos._sys_db._apply_caller_schema(connection)
    found = dbos._sys_db._check_operation_execution_txn(slot.run_id, slot.number, name, connection)
    return None if found is None else found["output"]


def record(dbos: DBOS, slot: Slot, name: str, output: str, connection: Connection) -> None:
    """Writes the record of this step in the caller's transaction.

    Raises one of `RunGone` unless the claim is still valid, and keeps it so until the transaction ends.
    """
    dbos._sys_db._apply_caller_schema(connection)
    now_ms = int(time.time() * 1000)
    dbos._sys_db._record_operation_result_txn(
        {
            "workflow_uuid": slot.run_id,
            "function_id": slot.number,
            "function_name": name,
            "output": output,
            "error": None,
            "serialization": SERIALIZER.name(),
            "started_at_epoch_ms": now_ms,
            "child_workflow_id": None,
        },
        now_ms,
        connection,
        owner_xid=slot.owner,
    )
