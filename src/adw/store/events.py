"""The event log: the one way facts about a workflow are written.

`seq` is taken under the workflow's row lock, so it has no gaps and no late commits; `owner_epoch`, when given, is
compared in the same statement, so a worker that lost its workflow can write nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.events import Event, EventType, NewEvent
from adw.kit.errors import ConflictError, NotFoundError
from adw.store.json import storable, storable_text
from adw.store.tables.workflows import events, workflows
from adw.store.touched import touch

_AGENT_SIGNS = (EventType.AGENT_TEXT, EventType.AGENT_TOOL_USE, EventType.AGENT_TOOL_RESULT, EventType.AGENT_FINISHED)
_AT_WORK = ("agent_", "gate_", "phase_", "comment_", "budget_")
"""Beginnings of the types that only tell how a workflow is getting on."""

_APPEND = text(
    """
    WITH numbered AS (
        UPDATE adw_workflows SET last_seq = last_seq + :count
        WHERE adw_id = :adw_id AND (CAST(:owner_epoch AS integer) IS NULL OR owner_epoch = :owner_epoch)
        RETURNING last_seq - :count AS base
    )
    INSERT INTO adw_workflow_events (adw_id, seq, event_type, event_subtype, phase, message, data)
    SELECT :adw_id, numbered.base + item.position, item.value->>'type', item.value->>'subtype',
           item.value->>'phase', item.value->>'message', item.value->'data'
    FROM numbered, jsonb_array_elements(:items) WITH ORDINALITY AS item(value, position)
    RETURNING seq
    """
).bindparams(bindparam("items", type_=JSONB))


_AFTER = (
    select(events)
    .where(events.c.adw_id == bindparam("adw_id"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("most"))
)
_LAST = select(workflows.c.last_seq).where(workflows.c.adw_id == bindparam("adw_id"))
_AFTER_AND_LAST = _AFTER.add_columns(_LAST.scalar_subquery().label("last_seq"))


class FencedError(ConflictError):
    """Another worker has taken this workflow over"""

    code = "fenced"


async def append_events(
    connection: AsyncConnection,
    adw_id: str,
    new: Sequence[NewEvent],
    *,
    owner_epoch: int | None = None,
) -> int:
    """Writes the events in order and returns the last one's `seq`.

    Raises FencedError when `owner_epoch` is no longer the workflow's, NotFoundError when there is no such workflow.
    """
    if not new:
        return await last_seq(connection, adw_id)
    parameters = {
        "adw_id": adw_id,
        "count": len(new),
        "owner_epoch": owner_epoch,
        "items": [_item(event) for event in new],
    }
    numbers = (await connection.execute(_APPEND, parameters)).scalars().all()
    if not numbers:
        await _refuse(connection, adw_id)
    touch(connection, adw_id, is_work=any(_is_work(event) for event in new))
    return max(numbers)


async def append_event(
    connection: AsyncConnection,
    adw_id: str,
    event: NewEvent,
    *,
    owner_epoch: int | None = None,
) -> int:
    return await append_events(connection, adw_id, [event], owner_epoch=owner_epoch)


async def create_workflow_event(
    connection: AsyncConnection,
    *,
    adw_id: str,
    event_type: EventType,
    phase: str | None = None,
    message: str = "",
    data: dict[str, Any] | None = None,
) -> int:
    """Writes one event and returns its `seq`."""
    event = NewEvent(type=event_type, phase=phase, message=message, data=data or {})
    return await append_event(connection, adw_id, event)


async def get_workflow_events(
    connection: AsyncConnection,
    adw_id: str,
    *,
    after: int = 0,
    limit: int = 1000,
    types: Sequence[EventType] = (),
) -> list[Event]:
    """Events with `seq` greater than `after`, oldest first, at most `limit`."""
    query = _AFTER.where(events.c.event_type.in_([t.value for t in types])) if types else _AFTER
    rows = (await connection.execute(query, {"adw_id": adw_id, "after": after, "most": limit})).mappings()
    return [event_of(row) for row in rows]


async def events_and_last(
    connection: AsyncConnection, adw_id: str, *, after: int, limit: int, types: Sequence[EventType] = ()
) -> tuple[list[Event], int | None]:
    """The same, and the last number the workflow has given; None where no event is found, which does not tell it."""
    query = _AFTER_AND_LAST.where(events.c.event_type.in_([t.value for t in types])) if types else _AFTER_AND_LAST
    parameters = {"adw_id": adw_id, "after": after, "most": limit}
    rows = (await connection.execute(query, parameters)).mappings().all()
    return [event_of(row) for row in rows], rows[0]["last_seq"] if rows else None


async def last_seq(connection: AsyncConnection, adw_id: str) -> int:
    query = select(workflows.c.last_seq).where(workflows.c.adw_id == adw_id)
    return (await connection.execute(query)).scalar_one_or_none() or 0


async def latest_agent_seq(connection: AsyncConnection, adw_id: str) -> int:
    """The number of the last thing an agent said or did: a mark of progress that recoveries themselves do not move."""
    query = select(func.max(events.c.seq)).where(
        events.c.adw_id == adw_id, events.c.event_type.in_([each.value for each in _AGENT_SIGNS])
    )
    return (await connection.execute(query)).scalar_one() or 0


def event_of(row: RowMapping) -> Event:
    """The event a row of the table holds."""
    return Event(
        adw_id=row["adw_id"],
        seq=row["seq"],
        type=EventType(row["event_type"]),
        phase=row["phase"],
        message=row["message"],
        data=row["data"],
        created_at=row["created_at"],
    )


def _is_work(event: NewEvent) -> bool:
    """Whether it may let some workflow begin or go on; what it is not sure of counts as such."""
    return not event.type.value.startswith(_AT_WORK)


def _item(event: NewEvent) -> dict[str, Any]:
    data = orjson.loads(orjson.dumps(storable(event.data), default=str, option=orjson.OPT_NON_STR_KEYS))
    return {
        "type": event.type.value,
        "phase": event.phase,
        "message": storable_text(event.message),
        "data": data,
    }


async def _refuse(connection: AsyncConnection, adw_id: str) -> None:
    known = (await connection.execute(select(workflows.c.adw_id).where(workflows.c.adw_id == adw_id))).first()
    if known is None:
        raise NotFoundError(f"there is no workflow {adw_id}")
    raise FencedError(f"workflow {adw_id} belongs to another worker now")
