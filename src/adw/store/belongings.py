"""What belongs to a workflow beside its row, in one look: asked one after the other it would be seven round trips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, SelectBase, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.phase import EvidenceRow, PhaseRow
from adw.domain.usage import Usage
from adw.store.phases import EVIDENCE_OF, PHASES_OF, evidence_from, phase_from
from adw.store.tables.usage import workflow_budgets
from adw.store.usage import USAGE_OF, usage_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """Attempts in the order they began, evidence in the order it was found, usage by phase, US dollars.

    Of what few workflows have it is only said whether there may be any; mostly there is none.
    """

    attempts: tuple[PhaseRow, ...]
    evidence: tuple[EvidenceRow, ...]
    used: Mapping[str, Usage]
    spent_usd: Decimal
    has_approvals: bool
    has_forks: bool
    has_unheard: bool
    has_clashes: bool


async def belongings_of(connection: AsyncConnection, adw_id: str) -> Belongings:
    row = (await connection.execute(_BELONGINGS, {"adw_id": adw_id})).one()
    return Belongings(
        attempts=tuple(phase_from(_dated(each, "started_at", "ended_at"), {}) for each in row.attempts or ()),
        evidence=tuple(evidence_from(_dated(each, "created_at")) for each in row.evidence or ()),
        used={each["phase"]: usage_from(each) for each in row.used or ()},
        spent_usd=row.spent_usd or Decimal(0),
        has_approvals=row.has_approvals,
        has_forks=row.has_forks,
        has_unheard=row.has_unheard,
        has_clashes=row.has_clashes,
    )


def _dated(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A row that came as JSON, with its moments."""
    return {**row, **{name: datetime.fromisoformat(row[name]) for name in names if row[name] is not None}}


def _together(query: SelectBase) -> ColumnElement[Any]:
    """All rows of a query as one value, in its order; null when there are none."""
    rows = query.subquery()
    return select(func.json_agg(rows.table_valued())).scalar_subquery()


_ADW_ID = bindparam("adw_id", type_=Text)
_BELONGINGS = select(
    _together(PHASES_OF).label("attempts"),
    _together(EVIDENCE_OF).label("evidence"),
    _together(USAGE_OF).label("used"),
    select(workflow_budgets.c.spent_usd)
    .where(workflow_budgets.c.adw_id == _ADW_ID)
    .scalar_subquery()
    .label("spent_usd"),
    text(
        """
        EXISTS (SELECT FROM adw_approvals WHERE adw_id = :adw_id AND decision = 'pending') AS has_approvals,
        EXISTS (SELECT FROM adw_workflows WHERE forked_from = :adw_id) AS has_forks,
        EXISTS (SELECT FROM adw_messages WHERE adw_id = :adw_id AND delivered_at IS NULL) AS has_unheard,
        EXISTS (SELECT FROM adw_watches WHERE adw_id = :adw_id AND stage = 'open') AS has_clashes
        """
    ),
)
