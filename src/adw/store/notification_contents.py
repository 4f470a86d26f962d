"""What a message on its way has to tell: its events, with the work they belong to and how their questions stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.approval import ApprovalKind
from adw.domain.effect_key import unmark
from adw.domain.events import EventType
from adw.domain.headline import headline
from adw.domain.notification_text import MAX_MESSAGE_CHARS, MAX_TITLE_CHARS, MOST_TOLD, Asked, Told, one_line
from adw.store.tables.notifications import items
from adw.store.tables.work import approvals
from adw.store.tables.workflows import events, projects, workflows


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Events in their order, as many as are told, and how many more there are."""

    told: tuple[Told, ...]
    omitted: int


async def contents_of(connection: AsyncConnection, delivery_id: str) -> Contents:
    """Questions that were asked come with how they stand now."""
    mine = items.c.delivery_id == delivery_id
    count = (await connection.execute(select(func.count()).where(mine))).scalar_one()
    same = (events.c.adw_id == items.c.adw_id, events.c.seq == items.c.event_seq)
    query = (
        select(
            items.c.event,
            events,
            workflows.c.issue_number,
            workflows.c.issue_title,
            projects.c.name.label("project"),
        )
        .join(events, same[0] & same[1])
        .join(workflows, workflows.c.adw_id == items.c.adw_id)
        .join(projects, projects.c.id == workflows.c.project_id)
        .where(mine)
        .order_by(events.c.created_at, events.c.adw_id, events.c.seq)
        .limit(MOST_TOLD)
    )
    rows = (await connection.execute(query)).mappings().all()
    asked = await _asked(connection, [row["data"] for row in rows if row["event"] == EventType.APPROVAL_REQUESTED])
    return Contents(told=tuple(_told(row, asked) for row in rows), omitted=max(0, count - len(rows)))


async def _asked(connection: AsyncConnection, found: list[Mapping[str, Any]]) -> dict[str, Asked]:
    wanted = [cast(str(data["approvalId"]), PG_UUID(as_uuid=True)) for data in found if _is_id(data.get("approvalId"))]
    if not wanted:
        return {}
    query = select(approvals.c.id, approvals.c.kind, approvals.c.decision).where(approvals.c.id.in_(wanted))
    return {str(row.id): _question(row) for row in (await connection.execute(query)).mappings()}


def _question(row: RowMapping) -> Asked:
    reference, kind = str(row["id"])[:8], row["kind"]
    command = f"adw approval allow {reference}{' --budget USD' if kind == ApprovalKind.BUDGET else ''}"
    if kind == ApprovalKind.QUESTION:
        command = f'adw approval answer {reference} "..."'
    return Asked(id=str(row["id"]), kind=row["kind"], decision=row["decision"], command=command)


def _is_id(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def _told(row: RowMapping, asked: Mapping[str, Asked]) -> Told:
    is_question, data = row["event"] == EventType.APPROVAL_REQUESTED, row["data"]
    message = row["message"]
    if not is_question:  # of which every word counts
        message = headline(EventType(row["event_type"]), phase=row["phase"], message=unmark(message)[0], data=data)
    return Told(
        event=row["event"],
        adw_id=row["adw_id"],
        seq=row["seq"],
        project=one_line(row["project"], limit=MAX_TITLE_CHARS),
        issue_number=row["issue_number"],
        title=one_line(row["issue_title"] or "", limit=MAX_TITLE_CHARS),
        phase=row["phase"],
        message=one_line(message, limit=MAX_MESSAGE_CHARS),
        at=row["created_at"],
        asked=asked.get(str(data.get("approvalId"))) if is_question else None,
    )
