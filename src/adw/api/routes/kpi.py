"""How well work goes: attempts, rounds, sizes and streaks of the workflows that have ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from adw.api.inputs import InUtc, Limit, Services
from adw.api.openapi import problems
from adw.api.views.kpi import KpiTable, kpi_group, kpi_summary, kpi_view
from adw.domain.kinds import canonical_kind
from adw.store.kpis import KpiFilter, list_kpis, report_kpis
from adw.store.projects import find_project

router = APIRouter(prefix="/api/analytics", tags=["analytics"], responses=problems(404))


@router.get("/kpi")
async def get_kpi(
    services: Services,
    *,
    project: Annotated[str | None, Query(max_length=4096, description="Id, name or path")] = None,
    kind: Annotated[str | None, Query(max_length=100, description="Only workflows of this kind")] = None,
    since: Annotated[
        datetime | None, InUtc, Query(description="Only workflows that ended from this moment on; UTC unless it says")
    ] = None,
    limit: Limit = 20,
) -> KpiTable:
    """What was measured of workflows whose phases have ended. A cancelled one is not measured."""
    async with services.database.read() as connection:
        wanted = KpiFilter(
            project_id=None if project is None else (await find_project(connection, project)).id,
            workflow_type=None if kind is None else canonical_kind(kind),
            since=since,
        )
        report = await report_kpis(connection, wanted)
        latest = await list_kpis(connection, wanted, limit=limit)
    return KpiTable(
        since=since,
        groups=tuple(map(kpi_group, report.groups)),
        total=kpi_summary(report.total),
        workflows=tuple(map(kpi_view, latest)),
    )
