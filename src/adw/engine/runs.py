"""SQL on the engine's own schema: what a run is doing, handing it over, ending and deleting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.engine.names import APPLICATION
from adw.ports.engine import RunStatus

_STATUSES = {
    "ENQUEUED": RunStatus.QUEUED,
    "DELAYED": RunStatus.QUEUED,
    "PENDING": RunStatus.ACTIVE,
    "SUCCESS": RunStatus.COMPLETED,
    "ERROR": RunStatus.FAILED,
    "CANCELLED": RunStatus.CANCELLED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunStatus.EXHAUSTED,
}
_FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_STATUS = text("SELECT status FROM dbos.workflow_status WHERE workflow_uuid = :run_id")

_ACTIVE = text("""
SELECT workflow_uuid AS run_id, executor_id, owner_xid AS claim,
    coalesce((attributes #>> '{recoveries,count}')::int, 0) AS recoveries,
    attributes #>> '{recoveries,progress}' AS progress
FROM dbos.workflow_status
WHERE status = 'PENDING' AND application_name = :application
ORDER BY created_at
""")

_STEPS = text("SELECT count(*) FROM dbos.operation_outputs WHERE workflow_uuid = :run_id")

_CANCEL = text("""
UPDATE dbos.workflow_status
SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL, started_at_epoch_ms = NULL,
    updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    completed_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
WHERE workflow_uuid = :run_id AND status IN ('ENQUEUED', 'DELAYED', 'PENDING')
""")

_HAND_OVER = text("""
UPDATE dbos.workflow_status
SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
    updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    attributes = CASE jsonb_typeof(attributes) WHEN 'object' THEN attributes ELSE '{}' END
        || jsonb_build_object(
            'recoveries', jsonb_build_object('count', CAST(:count AS int), 'progress', CAST(:progress AS text))
        )
WHERE workflow_uuid = :run_id AND status = 'PENDING' AND executor_id = :executor_id
""")

_EXHAUST = text("""
UPDATE dbos.workflow_status
SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', owner_xid = NULL, queue_name = NULL, started_at_epoch_ms = NULL,
    updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    completed_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
WHERE workflow_uuid = :run_id AND status = 'PENDING' AND executor_id = :executor_id
""")

_PURGE = text("""
WITH gone AS (
    DELETE FROM dbos.workflow_status
    WHERE application_name = :application AND status IN :finished
        AND completed_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - :age_ms
    RETURNING workflow_uuid
), inputs AS (
    DELETE FROM dbos.workflow_input WHERE workflow_uuid IN (SELECT workflow_uuid FROM gone)
), outputs AS (
    DELETE FROM dbos.workflow_output WHERE workflow_uuid IN (SELECT workflow_uuid FROM gone)
), steps AS (
    DELETE FROM dbos.operation_outputs WHERE workflow_uuid IN (SELECT workflow_uuid FROM gone)
)
SELECT count(*) FROM gone
""").bindparams(bindparam("finished", expanding=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRun:
    """A run some executor has claimed. `recoveries` counts those since it last got any further than `progress`."""

    run_id: str
    executor_id: str
    claim: str | None
    recoveries: int
    progress: str | None


async def status(connection: AsyncConnection, run_id: str) -> RunStatus | None:
    found = (await connection.execute(_STATUS, {"run_id": run_id})).scalar()
    return None if found is None else _STATUSES[found]


async def active(connection: AsyncConnection) -> list[ActiveRun]:
    """Every claimed run, oldest first."""
    rows = await connection.execute(_ACTIVE, {"application": APPLICATION})
    return [
        ActiveRun(
            run_id=row.run_id,
            executor_id=row.executor_id,
            claim=row.claim,
            recoveries=row.recoveries,
            progress=row.progress,
        )
        for row in rows
    ]


async def recorded_steps(connection: AsyncConnection, run_id: str) -> int:
    return int((await connection.execute(_STEPS, {"run_id": run_id})).scalar_one())


async def cancel(connection: AsyncConnection, run_id: str) -> None:
    """Cancels a run that has not finished."""
    await connection.execute(_CANCEL, {"run_id": run_id})


async def hand_over(connection: AsyncConnection, run: ActiveRun, *, recoveries: int, progress: str | None) -> bool:
    """Puts a run back into its queue, its owner fenced off. False when it is no longer that executor's."""
    values = {"run_id": run.run_id, "executor_id": run.executor_id, "count": recoveries, "progress": progress}
    return (await connection.execute(_HAND_OVER, values)).rowcount == 1


async def exhaust(connection: AsyncConnection, run: ActiveRun) -> bool:
    """Ends a run for good because its executors keep dying. False when it is no longer that executor's."""
    return (await connection.execute(_EXHAUST, {"run_id": run.run_id, "executor_id": run.executor_id})).rowcount == 1


async def purge(connection: AsyncConnection, *, older_than: timedelta) -> int:
    """Deletes runs that finished longer ago than this, with their records."""
    age_ms = int(older_than.total_seconds() * 1000)
    values = {"application": APPLICATION, "finished": _FINISHED, "age_ms": age_ms}
    return int((await connection.execute(_PURGE, values)).scalar_one())
