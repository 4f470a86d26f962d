"""Workflows in lists, newest first: which ones, and what is shown of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from sqlalchemy import Integer, Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.status import Status
from adw.domain.workflow import WorkflowOptions
from adw.store.json import storable_text
from adw.store.rows import because_from, failure_from
from adw.store.tables.usage import workflow_budgets
from adw.store.tables.workflows import workflows


class Filters(TypedDict, total=False):
    """Which workflows. `before` is the (created_at, adw_id) of the last row already seen."""

    statuses: Sequence[Status]
    project_id: str | None
    kind: str | None
    words: str | None
    since: datetime | None
    before: tuple[Any, str] | None


def listed(filters: Filters) -> Select[Any]:
    """Whole rows of those workflows, newest first; `most` is how many."""
    return _filtered(_WHOLE, filters)


async def list_short(
    connection: AsyncConnection, *, limit: int = 50, **filters: Unpack[Filters]
) -> list[dict[str, Any]]:
    """What lists show of them, by the names of `Workflow`, and `spent_usd`: whole values would take twice as long."""
    rows = await connection.execute(_filtered(_SHORT, filters), {"most": limit})
    names = tuple(rows.keys())
    return [_known(dict(zip(names, row, strict=True))) for row in rows]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    values["options"] = WorkflowOptions(**values["options"])
    values["failure"] = failure_from(values["failure"])
    values["queued_because"] = because_from(values["queued_because"])
    return values


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    if statuses := filters.get("statuses"):
        query = query.where(workflows.c.status.in_([status.value for status in statuses]))
    if project_id := filters.get("project_id"):
        query = query.where(workflows.c.project_id == project_id)
    if kind := filters.get("kind"):
        query = query.where(workflows.c.workflow_type == kind)
    if words := filters.get("words"):
        wanted = storable_text(words)
        columns = (workflows.c.issue_title, workflows.c.branch_name)
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    if since := filters.get("since"):
        query = query.where(workflows.c.created_at >= since)
    if before := filters.get("before"):
        query = query.where(func.row(workflows.c.created_at, workflows.c.adw_id) < func.row(*before))
    return query


def _newest_first(query: Select[Any]) -> Select[Any]:
    """How many stands in the statement itself: a plan made once for any number would read a tenth of the table."""
    most = bindparam("most", type_=Integer, literal_execute=True)
    return query.order_by(workflows.c.created_at.desc(), workflows.c.adw_id.desc()).limit(most)


_UNSEEN = frozenset(
    {"issue_body", "trigger", "phases", "idempotency_key", "project_limit", "open_pull_limit"}
    | {"owner_id", "owner_epoch", "leg", "rewind_to", "queued_at", "wait_usd", "failure_class"}
)
"""What no list shows."""
_WHOLE = _newest_first(select(workflows))
_SHORT = _newest_first(
    select(
        *(column for column in workflows.c if column.name not in _UNSEEN),
        func.coalesce(workflow_budgets.c.spent_usd, Decimal(0)).label("spent_usd"),
    ).select_from(workflows.outerjoin(workflow_budgets, workflow_budgets.c.adw_id == workflows.c.adw_id))
)
