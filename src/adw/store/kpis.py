"""Measurements of workflows that have ended: one row each, replaced when the workflow ends anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.agent import Role
from adw.domain.kpi import Kpi, KpiSummary, Sizes, summarise
from adw.store.tables.work import agent_outputs, kpis, phases
from adw.store.tables.workflows import projects
from adw.store.workflows import require_workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiFilter:
    """Which workflows count; None and an unset moment mean all."""

    project_id: str | None = None
    workflow_type: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiGroup:
    """The workflows of one kind in one project."""

    project_id: str
    project_name: str
    workflow_type: str
    summary: KpiSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiReport:
    """Every group, and all of them together."""

    groups: Sequence[KpiGroup]
    total: KpiSummary


async def record_kpi(connection: AsyncConnection, adw_id: str, *, sizes: Sizes, succeeded: bool) -> None:
    """Writes down how a workflow ended; rounds and attempts are counted from what is recorded of it."""
    workflow = await require_workflow(connection, adw_id)
    values: dict[str, Any] = {
        **asdict(sizes),
        "project_id": workflow.project_id,
        "workflow_type": workflow.workflow_type,
        "attempts": await _attempts(connection, adw_id),
        "repair_rounds": await _conversations(connection, adw_id, _REPAIRS),
        "review_rounds": await _conversations(connection, adw_id, agent_outputs.c.agent_name == Role.REVIEWER.value),
        "succeeded": succeeded,
        "recorded_at": func.clock_timestamp(),
    }
    statement = insert(kpis).values(adw_id=adw_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["adw_id"], set_=values))


async def list_kpis(connection: AsyncConnection, wanted: KpiFilter, *, limit: int = 50) -> list[Kpi]:
    """The latest first."""
    query = select(kpis).where(*_conditions(wanted)).order_by(kpis.c.recorded_at.desc(), kpis.c.adw_id)
    return [_kpi(row) for row in (await connection.execute(query.limit(limit))).mappings()]


async def report_kpis(connection: AsyncConnection, wanted: KpiFilter) -> KpiReport:
    """Summaries by project and kind, by their names."""
    query = (
        select(kpis, projects.c.name.label("project_name"))
        .join(projects, projects.c.id == kpis.c.project_id)
        .where(*_conditions(wanted))
        .order_by(kpis.c.recorded_at, kpis.c.adw_id)
    )
    groups: dict[tuple[str, str, str], list[Kpi]] = {}
    everything: list[Kpi] = []
    for row in (await connection.execute(query)).mappings():
        kpi = _kpi(row)
        everything.append(kpi)
        groups.setdefault((row["project_name"], kpi.project_id, kpi.workflow_type), []).append(kpi)
    return KpiReport(
        groups=[
            KpiGroup(project_id=project_id, project_name=name, workflow_type=kind, summary=summarise(members))
            for (name, project_id, kind), members in sorted(groups.items())
        ],
        total=summarise(everything),
    )


_REPAIRS = or_(
    agent_outputs.c.agent_name == Role.RESOLVER.value,
    and_(agent_outputs.c.agent_name == Role.IMPLEMENTOR.value, agent_outputs.c.round > 0),
)


async def _attempts(connection: AsyncConnection, adw_id: str) -> int:
    """Only what failed is attempted again; a phase that somebody wanted once more is none of these."""
    later = phases.alias("later")
    same = (later.c.adw_id == phases.c.adw_id, later.c.phase == phases.c.phase, later.c.attempt > phases.c.attempt)
    counted = select(func.count()).where(
        phases.c.adw_id == adw_id, phases.c.failure.is_not(None), select(later.c.attempt).where(*same).exists()
    )
    return 1 + (await connection.execute(counted)).scalar_one()


async def _conversations(connection: AsyncConnection, adw_id: str, which: Any) -> int:
    counted = select(func.count()).where(agent_outputs.c.adw_id == adw_id, which)
    return (await connection.execute(counted)).scalar_one()


def _conditions(wanted: KpiFilter) -> list[Any]:
    conditions: list[Any] = []
    if wanted.project_id is not None:
        conditions.append(kpis.c.project_id == wanted.project_id)
    if wanted.workflow_type is not None:
        conditions.append(kpis.c.workflow_type == wanted.workflow_type)
    if wanted.since is not None:
        conditions.append(kpis.c.recorded_at >= wanted.since)
    return conditions


def _kpi(row: RowMapping) -> Kpi:
    return Kpi(
        adw_id=row["adw_id"],
        project_id=row["project_id"],
        workflow_type=row["workflow_type"],
        attempts=row["attempts"],
        repair_rounds=row["repair_rounds"],
        review_rounds=row["review_rounds"],
        sizes=Sizes(
            plan_lines=row["plan_lines"],
            diff_files=row["diff_files"],
            diff_additions=row["diff_additions"],
            diff_deletions=row["diff_deletions"],
        ),
        succeeded=row["succeeded"],
        recorded_at=row["recorded_at"],
    )
