"""Who executes workflows, and until when the others may believe it is alive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import RowMapping, and_, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.workers import workers

EndReason = Literal["closed", "lease_expired", "process_gone", "recovered"]

_NOW = func.clock_timestamp()
_CONDEMNED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorker:
    """A worker that is about to start. `process_started_at` tells its process from a later one with the same pid."""

    id: str
    name: str
    host_id: str
    pid: int
    process_started_at: int
    concurrency: int
    code_revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker's row. `ended_at` is set once, by itself or by whoever found it dead, and is final."""

    id: str
    name: str
    host_id: str
    pid: int
    process_started_at: int
    concurrency: int
    code_revision: str
    started_at: datetime
    beat_at: datetime
    lease_until: datetime
    drained_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    shortage: str | None
    """What its host lacks for starting new work, in words for a person; None when nothing."""


async def register_worker(connection: AsyncConnection, worker: NewWorker, *, lease_s: float) -> None:
    """Records a new worker whose lease runs from now."""
    await connection.execute(
        insert(workers).values(
            id=worker.id,
            name=worker.name,
            host_id=worker.host_id,
            pid=worker.pid,
            process_started_at=worker.process_started_at,
            concurrency=worker.concurrency,
            code_revision=worker.code_revision,
            lease_until=_NOW + timedelta(seconds=lease_s),
        )
    )


async def beat(connection: AsyncConnection, *, worker_id: str, lease_s: float) -> bool:
    """Extends a lease. False when the worker has been declared dead: nothing it does counts any more."""
    result = await connection.execute(
        update(workers)
        .where(workers.c.id == worker_id, workers.c.ended_at.is_(None))
        .values(beat_at=_NOW, lease_until=_NOW + timedelta(seconds=lease_s))
    )
    return result.rowcount == 1


async def mark_drained(connection: AsyncConnection, *, worker_id: str) -> None:
    """Records that a worker takes no more work."""
    await connection.execute(
        update(workers).where(workers.c.id == worker_id, workers.c.drained_at.is_(None)).values(drained_at=_NOW)
    )


async def end_workers(connection: AsyncConnection, worker_ids: Collection[str], *, reason: EndReason) -> None:
    """Declares workers gone; those that already are keep their first reason."""
    await connection.execute(
        update(workers)
        .where(workers.c.id.in_(worker_ids), workers.c.ended_at.is_(None))
        .values(ended_at=_NOW, end_reason=reason)
    )


async def end_expired(connection: AsyncConnection, *, spare: str) -> list[str]:
    """Declares dead every worker whose lease has run out, except `spare`. Returns their ids."""
    result = await connection.execute(
        update(workers)
        .where(workers.c.ended_at.is_(None), workers.c.lease_until < _NOW, workers.c.id != spare)
        .values(ended_at=_NOW, end_reason="lease_expired")
        .returning(workers.c.id)
    )
    return list(result.scalars())


async def condemned_workers(connection: AsyncConnection, *, host_id: str) -> list[Worker]:
    """Workers of a host that others have declared dead and whose processes may not know it, the latest first."""
    query = (
        select(workers)
        .where(workers.c.host_id == host_id, workers.c.end_reason.in_(("lease_expired", "recovered")))
        .order_by(workers.c.ended_at.desc())
        .limit(_CONDEMNED)
    )
    return _workers((await connection.execute(query)).mappings().all())


async def last_seen(connection: AsyncConnection) -> dict[str, datetime]:
    """When each host last had a live worker: now, or when its last one ended. By host id."""
    seen = func.max(func.coalesce(workers.c.ended_at, _NOW))
    rows = await connection.execute(select(workers.c.host_id, seen.label("seen")).group_by(workers.c.host_id))
    return {row.host_id: row.seen for row in rows}


async def live_workers(connection: AsyncConnection, *, host_id: str | None = None) -> list[Worker]:
    """Workers nobody has declared gone, oldest first; of one host, or of all."""
    query = select(workers).where(workers.c.ended_at.is_(None)).order_by(workers.c.started_at)
    if host_id is not None:
        query = query.where(workers.c.host_id == host_id)
    return _workers((await connection.execute(query)).mappings().all())


async def list_workers(connection: AsyncConnection, *, limit: int = 100) -> list[Worker]:
    """All workers, the latest first."""
    query = select(workers).order_by(workers.c.started_at.desc()).limit(limit)
    return _workers((await connection.execute(query)).mappings().all())


async def holds_lease(connection: AsyncConnection, *, worker_id: str) -> bool:
    """Whether a worker may still act on the outside. Read right before each effect."""
    query = select(workers.c.id).where(
        and_(workers.c.id == worker_id, workers.c.ended_at.is_(None), workers.c.lease_until >= _NOW)
    )
    return (await connection.execute(query)).first() is not None


async def purge_workers(connection: AsyncConnection, *, older_than: timedelta) -> None:
    """Forgets workers that have been gone for longer than this."""
    await connection.execute(delete(workers).where(workers.c.ended_at < _NOW - older_than))


async def try_reaper_lock(connection: AsyncConnection) -> bool:
    """Takes the lock that lets one worker at a time look for dead ones, until the transaction ends."""
    # One that is stopped while it holds the lock must not keep the others from declaring it dead.
    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended('adw.reaper', 0))")
    return bool((await connection.execute(query)).scalar())


async def set_shortage(connection: AsyncConnection, *, worker_id: str, shortage: str | None) -> None:
    """Notes what a worker's host lacks for starting new work; None when nothing."""
    await connection.execute(update(workers).where(workers.c.id == worker_id).values(shortage=shortage))


async def shortage_everywhere(connection: AsyncConnection) -> bool:
    """Whether no worker could start new work: the host of every live one lacks something."""
    could = select(workers.c.id).where(
        workers.c.ended_at.is_(None),
        workers.c.drained_at.is_(None),
        workers.c.lease_until > _NOW,
        workers.c.shortage.is_(None),
    )
    return (await connection.execute(could.limit(1))).first() is None


def _workers(rows: Sequence[RowMapping]) -> list[Worker]:
    return [Worker(**row) for row in rows]
