"""Figures over all workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from adw.api.inputs import InUtc, Services
from adw.api.openapi import problems
from adw.api.views.analytics import CostTable, cost_row, cost_totals
from adw.store.analytics import CostBy, cost_by, cost_in_all

router = APIRouter(prefix="/api/analytics", tags=["analytics"], responses=problems())


@router.get("/cost")
async def get_cost(
    services: Services,
    by: Annotated[CostBy, Query(description="What to group by")] = CostBy.WORKFLOW,
    since: Annotated[
        datetime | None, InUtc, Query(description="Only requests from this moment on; UTC unless it says")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CostTable:
    """What requests to models cost, by one of several measures."""
    async with services.database.read() as connection:
        groups = await cost_by(connection, by, since=since, limit=limit)
        total = await cost_in_all(connection, since=since)
    return CostTable(by=by, since=since, rows=tuple(map(cost_row, groups)), total=cost_totals(total))
