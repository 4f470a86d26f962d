"""Attempts at phases and the evidence they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.failure import Failure
from adw.domain.phase import Evidence, EvidenceRow, GateOutcome, PhaseRow, PhaseStatus
from adw.domain.usage import Usage
from adw.store.json import storable, storable_text
from adw.store.rows import failure_from, failure_to
from adw.store.tables.work import evidence, phases

SUMMARY_TRIES = 2
"""How often a summary is asked for; after that there is none."""

PHASES_OF = select(phases).where(phases.c.adw_id == bindparam("adw_id")).order_by(phases.c.started_at, phases.c.attempt)
EVIDENCE_OF = select(evidence).where(evidence.c.adw_id == bindparam("adw_id")).order_by(evidence.c.created_at)


async def start_phase(
    connection: AsyncConnection, *, adw_id: str, phase: str, attempt: int, commit_before: str | None
) -> None:
    """Records that an attempt runs; an attempt that is resumed stays as it was."""
    values = {
        "adw_id": adw_id,
        "phase": phase,
        "attempt": attempt,
        "status": PhaseStatus.RUNNING.value,
        "commit_before": commit_before,
    }
    await connection.execute(insert(phases).values(values).on_conflict_do_nothing())


async def end_phase(
    connection: AsyncConnection,
    *,
    adw_id: str,
    phase: str,
    attempt: int,
    status: PhaseStatus,
    commit_after: str | None = None,
    failure: Failure | None = None,
    data: Mapping[str, Any] | None = None,
    summarize: bool = False,
) -> None:
    """With `summarize`, a model is to tell afterwards what it came to."""
    values: dict[str, Any] = {"status": status.value, "ended_at": func.clock_timestamp()}
    if commit_after is not None:
        values["commit_after"] = commit_after
    if failure is not None:
        values["failure"] = storable(failure_to(failure))
    if data is not None:
        values["data"] = storable(data)
    if summarize:
        values["summary_tries"] = SUMMARY_TRIES
    one = (phases.c.adw_id == adw_id, phases.c.phase == phase, phases.c.attempt == attempt)
    await connection.execute(update(phases).where(*one).values(values))


async def list_phases(
    connection: AsyncConnection, adw_id: str, *, usage: Mapping[tuple[str, int], Usage] | None = None
) -> list[PhaseRow]:
    """All attempts in the order they started; `usage` is by (phase, attempt)."""
    rows = (await connection.execute(PHASES_OF, {"adw_id": adw_id})).mappings()
    return [phase_from(row, usage or {}) for row in rows]


async def latest_attempt(connection: AsyncConnection, *, adw_id: str, phase: str) -> PhaseRow | None:
    one = (phases.c.adw_id == adw_id, phases.c.phase == phase)
    query = select(phases).where(*one).order_by(phases.c.attempt.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else phase_from(row, {})


async def supersede_phases(connection: AsyncConnection, *, adw_id: str, names: Sequence[str]) -> None:
    """Marks these phases and their evidence as replaced; nothing is deleted."""
    of = (phases.c.adw_id == adw_id, phases.c.phase.in_(names))
    done = phases.c.status != PhaseStatus.RUNNING.value
    await connection.execute(update(phases).where(*of, done).values(status=PhaseStatus.SUPERSEDED.value))
    those = (evidence.c.adw_id == adw_id, evidence.c.phase.in_(names))
    await connection.execute(update(evidence).where(*those).values(superseded=True))


async def end_running_phases(connection: AsyncConnection, *, adw_id: str, status: PhaseStatus) -> None:
    """Closes attempts that nobody will end any more, as after a cancellation."""
    running = (phases.c.adw_id == adw_id, phases.c.status == PhaseStatus.RUNNING.value)
    values = {"status": status.value, "ended_at": func.clock_timestamp()}
    await connection.execute(update(phases).where(*running).values(values))


async def record_evidence(
    connection: AsyncConnection, *, adw_id: str, phase: str, attempt: int, found: Evidence
) -> bool:
    """Writes a gate's result; the same gate on the same commit is recorded once. Tells whether it was new."""
    values = {
        "adw_id": adw_id,
        "phase": phase,
        "attempt": attempt,
        "gate": found.gate,
        "outcome": found.outcome.value,
        "commit_sha": found.commit,
        "config_hash": found.config_hash,
        "summary": storable_text(found.summary),
        "data": storable(found.data),
    }
    statement = insert(evidence).values(values).on_conflict_do_nothing().returning(evidence.c.id)
    return (await connection.execute(statement)).first() is not None


async def list_evidence(connection: AsyncConnection, adw_id: str) -> list[EvidenceRow]:
    return [evidence_from(row) for row in (await connection.execute(EVIDENCE_OF, {"adw_id": adw_id})).mappings()]


def phase_from(row: Mapping[Any, Any], usage: Mapping[tuple[str, int], Usage]) -> PhaseRow:
    """The attempt a row of the table holds; `usage` is by (phase, attempt)."""
    return PhaseRow(
        adw_id=row["adw_id"],
        phase=row["phase"],
        attempt=row["attempt"],
        status=PhaseStatus(row["status"]),
        commit_before=row["commit_before"],
        commit_after=row["commit_after"],
        usage=usage.get((row["phase"], row["attempt"]), Usage()),
        failure=failure_from(row["failure"]),
        data=row["data"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        summary=row["summary"],
    )


def evidence_from(row: Mapping[Any, Any]) -> EvidenceRow:
    """The evidence a row of the table holds."""
    return EvidenceRow(
        adw_id=row["adw_id"],
        phase=row["phase"],
        attempt=row["attempt"],
        evidence=Evidence(
            gate=row["gate"],
            outcome=GateOutcome(row["outcome"]),
            commit=row["commit_sha"],
            summary=row["summary"],
            config_hash=row["config_hash"],
            data=row["data"],
        ),
        superseded=row["superseded"],
        created_at=row["created_at"],
    )
