"""The durable engine as everyone else sees it: runs that survive the death of the process executing them.

A workflow is executed in legs. One run is one leg: it executes phases until the workflow ends or has to wait, and a
waiting workflow has no run at all; whoever decides, raises or resumes enqueues the next leg in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

Connection: TypeAlias = Any
"""A database connection inside a transaction. Ports name no driver; in fact it is SQLAlchemy's `AsyncConnection`."""


class RunStatus(StrEnum):
    """What became of a run."""

    QUEUED = "queued"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXHAUSTED = "exhausted"


class Leg(Protocol):
    """What an interpreter may use inside a run. Names of steps and transactions are unique within it."""

    @property
    def run_id(self) -> str: ...

    @property
    def executor_id(self) -> str:
        """The worker that executes the run just now."""
        ...

    async def step(self, name: str, work: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """Runs `work` at least once and records its result once; a recovered run gets the recorded result.

        A cancelled run, and one another worker has taken over, raises `CancelledError` inside `work` and from here.
        Errors of our own tree are recorded like results and raised again on replay.
        """
        ...

    async def transaction(self, name: str, work: Callable[[Connection], Awaitable[JsonValue]]) -> JsonValue:
        """Runs `work` exactly once: what it writes and the record of the step commit together, or neither does."""
        ...


Interpreter: TypeAlias = Callable[[Leg, JsonObject], Awaitable[JsonValue]]
"""Executes one leg from its immutable payload. The same payload and records must lead to the same steps."""


class Enqueuer(Protocol):
    """Starts and revokes runs from any process, whether or not it executes them."""

    async def enqueue(self, connection: Connection, *, run_id: str, payload: JsonObject, priority: int = 0) -> None:
        """Queues a run when the caller's transaction commits. The same `run_id` again changes nothing.

        A lower `priority` starts sooner; equals start in the order they were queued.
        """
        ...

    async def revoke(self, connection: Connection, *, run_id: str) -> None:
        """Cancels a run when the caller's transaction commits. Idempotent; a finished run stays as it is."""
        ...


class RunObserver(Protocol):
    """Who is told what happens to runs. The first three take part in the transaction that makes it happen."""

    async def progress(self, connection: Connection, *, run_id: str) -> str:
        """How far the run has come beside its recorded steps, as an opaque mark (the last agent turn, say)."""
        ...

    async def recovered(self, connection: Connection, *, run_id: str, previous_executor: str) -> None:
        """The run's executor is gone; another will continue it."""
        ...

    async def exhausted(self, connection: Connection, *, run_id: str) -> None:
        """The run lost its executor too often without making progress and will not be started again."""
        ...

    def lease_kept(self, *, until: float) -> None:
        """The worker's lease holds at least until then, by its host's monotonic clock. Called at each beat."""
        ...

    async def lease_lost(self) -> None:
        """Others take this worker for dead. Ends its agents at once; the process exits when this returns."""
        ...


class Engine(Enqueuer, Protocol):
    """The engine of a worker: executes runs, keeps the worker's lease, takes over from workers that died."""

    @property
    def executor_id(self) -> str:
        """Who owns the runs executed here; unique for each start of a process."""
        ...

    async def launch(self) -> None: ...

    async def drain(self) -> None:
        """Takes no more runs; those under way go on."""
        ...

    async def close(self, *, grace_s: float) -> None:
        """Takes no more runs and starts no more steps, interrupts long steps, and hands the runs to other workers.

        All of it takes no longer than `grace_s`, of which the first quarter is for steps to end by themselves.
        """
        ...

    async def cancel(self, run_id: str) -> None:
        """`revoke` in a transaction of its own."""
        ...

    async def status(self, run_id: str) -> RunStatus | None: ...

    async def recover(self, executor_ids: Collection[str]) -> list[str]:
        """Hands the runs of these executors, known to be dead, to the living. Returns the runs' ids."""
        ...

    async def purge(self, *, older_than: timedelta) -> int:
        """Deletes runs that finished longer ago than this, and workers gone as long. Returns how many runs."""
        ...
