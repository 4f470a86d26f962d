"""Messages of people to the agents of a workflow: left in order, each delivered to one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.message import Message
from adw.store.json import storable_text
from adw.store.tables.work import agent_outputs, messages


async def leave_message(
    connection: AsyncConnection, *, adw_id: str, author: str, body: str, key: str | None = None
) -> Message:
    values = {"adw_id": adw_id, "author": storable_text(author), "body": storable_text(body), "key": key}
    row = (await connection.execute(insert(messages).values(values).returning(messages))).mappings().one()
    return _message(row)


async def message_with_key(connection: AsyncConnection, adw_id: str, key: str) -> Message | None:
    """What was left under that key before."""
    query = select(messages).where(messages.c.adw_id == adw_id, messages.c.key == key)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _message(row)


async def undelivered(connection: AsyncConnection, adw_id: str) -> list[Message]:
    """What no conversation has heard yet, oldest first."""
    return await _select(connection, adw_id, and_(messages.c.delivered_at.is_(None)))


async def for_conversation(
    connection: AsyncConnection, adw_id: str, *, phase: str, agent_name: str, round_number: int
) -> list[Message]:
    """What no conversation has heard yet, and what this one or its forerunners in earlier attempts have heard."""
    forerunners = select(agent_outputs.c.id).filter_by(
        adw_id=adw_id, phase=phase, agent_name=agent_name, round=round_number
    )
    own = messages.c.agent_output_id.in_(forerunners)
    return await _select(connection, adw_id, or_(messages.c.delivered_at.is_(None), own))


async def mark_delivered(connection: AsyncConnection, ids: Sequence[UUID], *, output_id: UUID) -> list[Message]:
    """Notes which conversation hears these; those that another has heard are left alone. Returns the newly noted."""
    if not ids:
        return []
    statement = (
        update(messages)
        .where(messages.c.id.in_(ids), messages.c.delivered_at.is_(None))
        .values(delivered_at=func.clock_timestamp(), agent_output_id=output_id)
        .returning(messages)
    )
    return [_message(row) for row in (await connection.execute(statement)).mappings()]


async def list_messages(connection: AsyncConnection, adw_id: str) -> list[Message]:
    return await _select(connection, adw_id, and_(True))


async def _select(connection: AsyncConnection, adw_id: str, condition: object) -> list[Message]:
    query = select(messages).where(messages.c.adw_id == adw_id, condition)  # pyright: ignore[reportArgumentType] # made above
    rows = await connection.execute(query.order_by(messages.c.created_at, messages.c.id))
    return [_message(row) for row in rows.mappings()]


def _message(row: RowMapping) -> Message:
    return Message(**{name: row[name] for name in Message.__slots__})
