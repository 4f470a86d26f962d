"""Sums over requests to models: by conversation, by attempt, and for tables of costs.

A request whose price is unknown makes the cost of its whole group unknown; what is known of it is told beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, case, func, literal, literal_column, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.usage import Tokens, Usage
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.workflows import projects, workflows


class CostBy(StrEnum):
    """What costs may be grouped by. A day is one of UTC."""

    WORKFLOW = "workflow"
    KIND = "kind"
    PHASE = "phase"
    ROLE = "role"
    MODEL = "model"
    PROJECT = "project"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostGroup:
    """The requests of one group, or of all of them.

    `key` is None for what belongs to no workflow; `unpriced` requests have no known price, `inexact` ones were booked
    without a final word from the model's side.
    """

    key: str | None
    label: str | None
    workflows: int
    usage: Usage
    known_usd: Decimal
    unpriced: int
    inexact: int


async def cost_by(
    connection: AsyncConnection, by: CostBy, *, since: datetime | None = None, limit: int = 100
) -> list[CostGroup]:
    """The dearest groups first; days in their order, the latest `limit` of them."""
    key, label = _DIMENSIONS[by]
    query = (
        select(key.label("key"), label.label("label"), _WORKFLOWS, *_SUMS).select_from(_SPENT).where(*_counted(since))
    )
    order = key.desc() if by is CostBy.DAY else _KNOWN.desc()
    rows = (await connection.execute(query.group_by(key).order_by(order, key).limit(limit))).all()
    groups = [_group(row) for row in rows]
    return groups[::-1] if by is CostBy.DAY else groups


async def cost_in_all(connection: AsyncConnection, *, since: datetime | None = None) -> CostGroup:
    query = (
        select(null().label("key"), null().label("label"), _WORKFLOWS, *_SUMS)
        .select_from(_SPENT)
        .where(*_counted(since))
    )
    return _group((await connection.execute(query)).one())


async def usage_by_attempt(connection: AsyncConnection, adw_id: str) -> Mapping[tuple[str, int], Usage]:
    """By phase and attempt."""
    query = select(requests.c.phase, requests.c.attempt, *_SUMS).where(requests.c.adw_id == adw_id, *_counted(None))
    rows = (await connection.execute(query.group_by(requests.c.phase, requests.c.attempt))).all()
    return {(row.phase, row.attempt): _usage(row) for row in rows}


async def usage_by_conversation(connection: AsyncConnection, adw_id: str) -> Mapping[str, Usage]:
    """By the id of the record of the conversation."""
    query = select(requests.c.agent_run_id, *_SUMS).where(requests.c.adw_id == adw_id, *_counted(None))
    rows = (await connection.execute(query.group_by(requests.c.agent_run_id))).all()
    return {row.agent_run_id: _usage(row) for row in rows}


_SPENT = requests.outerjoin(workflows, workflows.c.adw_id == requests.c.adw_id).outerjoin(
    projects, projects.c.id == workflows.c.project_id
)
_COST = case((requests.c.state == "reserved", requests.c.reserved_usd), else_=requests.c.cost_usd)
_NO_LABEL = literal(None, Text())
_UTC_DAY = literal_column("to_char(model_requests.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')", Text())
_DIMENSIONS: Mapping[CostBy, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    CostBy.WORKFLOW: (requests.c.adw_id, func.max(workflows.c.issue_title)),
    CostBy.KIND: (workflows.c.workflow_type, _NO_LABEL),
    CostBy.PHASE: (requests.c.phase, _NO_LABEL),
    CostBy.ROLE: (requests.c.role, _NO_LABEL),
    CostBy.MODEL: (requests.c.model, _NO_LABEL),
    CostBy.PROJECT: (workflows.c.project_id, func.max(projects.c.name)),
    CostBy.DAY: (_UTC_DAY, _NO_LABEL),
}
_TOKENS = {
    name: func.coalesce(func.sum(requests.c[f"{name}_tokens"]), 0).label(name)
    for name in ("input", "output", "cache_write", "cache_read")
}
_KNOWN = func.coalesce(func.sum(_COST), 0)
_SUMS = (
    func.count().label("requests"),
    *_TOKENS.values(),
    _KNOWN.label("known_usd"),
    func.count().filter(_COST.is_(None)).label("unpriced"),
    func.count().filter(requests.c.inexact).label("inexact"),
)
_WORKFLOWS = func.count(workflows.c.adw_id.distinct()).label("workflows")


def _counted(since: datetime | None) -> tuple[ColumnElement[bool], ...]:
    counted = requests.c.state != "refused"
    return (counted,) if since is None else (counted, requests.c.started_at >= since)


def _group(row: Row[*tuple[Any, ...]]) -> CostGroup:
    return CostGroup(
        key=row.key,
        label=row.label,
        workflows=row.workflows,
        usage=_usage(row),
        known_usd=Decimal(row.known_usd),
        unpriced=row.unpriced,
        inexact=row.inexact,
    )


def _usage(row: Row[*tuple[Any, ...]]) -> Usage:
    tokens = Tokens(**{name: int(getattr(row, name)) for name in _TOKENS})
    return Usage(requests=row.requests, tokens=tokens, cost_usd=None if row.unpriced else Decimal(row.known_usd))
