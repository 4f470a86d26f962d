"""What a fork has from the workflow it branches off from: finished phases, their evidence and the reports behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.phase import PhaseStatus
from adw.store.tables.work import artifacts, evidence, phases
from adw.store.tables.workflows import workflows

INHERITED_FROM = "inheritedFrom"
"""In the data of an inherited phase or piece of evidence: the id of the workflow it was made in."""


async def inherit_phases(connection: AsyncConnection, *, source: str, target: str, attempts: Mapping[str, int]) -> None:
    """Copies these attempts at phases, by name, as the target's first attempts, with evidence that still counts."""
    for phase, attempt in attempts.items():
        await _copy_phase(connection, source=source, target=target, phase=phase, attempt=attempt)
    chosen = [and_(evidence.c.phase == name, evidence.c.attempt == number) for name, number in attempts.items()]
    if not chosen:
        return
    of = (evidence.c.adw_id == source, evidence.c.superseded.is_(False), or_(*chosen))
    await _copy_evidence(connection, *of, source=source, target=target)
    named = select(evidence.c.data["report"].astext).where(*of)
    kept = select(literal(target), artifacts.c.name, artifacts.c.media_type, artifacts.c.sha256, artifacts.c.content)
    reports = kept.where(artifacts.c.adw_id == source, artifacts.c.name.in_(named))
    columns = ["adw_id", "name", "media_type", "sha256", "content"]
    await connection.execute(insert(artifacts).from_select(columns, reports))


async def forks_of(connection: AsyncConnection, adw_id: str) -> list[str]:
    """The workflows that branched off from this one, oldest first."""
    query = select(workflows.c.adw_id).where(workflows.c.forked_from == adw_id)
    return list(await connection.scalars(query.order_by(workflows.c.created_at, workflows.c.adw_id)))


async def _copy_phase(connection: AsyncConnection, *, source: str, target: str, phase: str, attempt: int) -> None:
    same = ["commit_before", "commit_after", "started_at", "ended_at"]
    found = select(
        literal(target),
        phases.c.phase,
        literal(1),
        literal(PhaseStatus.COMPLETED.value),
        _marked(phases.c.data, source),
        *(phases.c[name] for name in same),
    ).where(phases.c.adw_id == source, phases.c.phase == phase, phases.c.attempt == attempt)
    columns = ["adw_id", "phase", "attempt", "status", "data", *same]
    await connection.execute(insert(phases).from_select(columns, found))


async def _copy_evidence(connection: AsyncConnection, *of: Any, source: str, target: str) -> None:
    same = ["phase", "gate", "outcome", "commit_sha", "config_hash", "summary", "created_at"]
    found = select(
        literal(target), literal(1), _marked(evidence.c.data, source), *(evidence.c[name] for name in same)
    ).where(*of)
    await connection.execute(insert(evidence).from_select(["adw_id", "attempt", "data", *same], found))


def _marked(data: Any, source: str) -> Any:
    mark = func.jsonb_build_object(INHERITED_FROM, literal(source), type_=JSONB)
    return data.op("||", return_type=JSONB)(mark)
