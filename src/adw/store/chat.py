"""Conversations with an orchestrator, as rows: what was said, in order, and what is still to be answered.

Whoever writes into a conversation locks its orchestrator's row first, so numbers become visible in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.kit.errors import NotFoundError
from adw.store.json import storable, storable_text
from adw.store.tables.chat import orchestrator_inbox as inbox
from adw.store.tables.orchestrator import orchestrator_agents as agents
from adw.store.tables.orchestrator import orchestrator_chat as chat

CHAT_CHANNEL = "adw_chat"
"""Announces the id of an orchestrator with something new to read or to do."""
OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """Something an orchestrator is to answer. `turn_id` is the first item that is answered together with it."""

    id: int
    orchestrator_agent_id: UUID
    kind: str
    author: str
    body: str
    adw_id: str | None
    state: str
    turn_id: int | None
    attempt: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEntry:
    """One thing said or done. `turn_id` is the inbox item it belongs to."""

    id: UUID
    seq: int
    kind: str
    sender_type: str
    message: str
    turn_id: int | None
    metadata: Mapping[str, Any]
    created_at: datetime


async def post_message(
    connection: AsyncConnection, orchestrator_id: UUID, *, author: str, body: str, key: str | None = None
) -> InboxItem:
    """Puts what a person says into the inbox and the conversation. The same key gives the item it gave before."""
    await lock_orchestrator(connection, orchestrator_id)
    if key is not None:
        known = select(inbox).where(inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.key == key)
        row = (await connection.execute(known)).mappings().first()
        if row is not None:
            return item_from(row)
    values = {
        "orchestrator_agent_id": orchestrator_id,
        "kind": "message",
        "author": storable_text(author),
        "body": storable_text(body),
        "key": key,
    }
    written = item_from((await connection.execute(insert(inbox).values(values).returning(inbox))).mappings().one())
    await write_entry(
        connection,
        orchestrator_id,
        kind="message",
        message=body,
        turn_id=written.id,
        sender="user",
        metadata={"author": author},
    )
    return written


async def write_entry(
    connection: AsyncConnection,
    orchestrator_id: UUID,
    *,
    kind: str,
    message: str,
    turn_id: int | None,
    sender: str = "orchestrator",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Adds to the conversation, under the lock of its orchestrator. A turn is answered once; more is not written."""
    values = {
        "orchestrator_agent_id": orchestrator_id,
        "sender_type": sender,
        "receiver_type": "orchestrator" if sender == "user" else "user",
        "message": storable_text(message),
        "metadata": storable(metadata or {}),
        "kind": kind,
        "turn_id": turn_id,
    }
    await connection.execute(insert(chat).values(values).on_conflict_do_nothing())
    await announce(connection, orchestrator_id)


async def chat_history(
    connection: AsyncConnection, orchestrator_id: UUID, *, after: int | None = None, limit: int = 100
) -> list[ChatEntry]:
    """What was said, in order: from `after` on, or without it the latest."""
    query = select(chat).where(chat.c.orchestrator_agent_id == orchestrator_id).limit(limit)
    if after is not None:
        query = query.where(chat.c.seq > after).order_by(chat.c.seq)
        return [_entry(row) for row in (await connection.execute(query)).mappings()]
    latest = (await connection.execute(query.order_by(chat.c.seq.desc()))).mappings()
    return [_entry(row) for row in latest][::-1]


async def clear_history(connection: AsyncConnection, orchestrator_id: UUID) -> int:
    """Deletes what was said in turns that are over; returns how many entries that were."""
    await lock_orchestrator(connection, orchestrator_id)
    unfinished = select(func.coalesce(inbox.c.turn_id, inbox.c.id)).where(
        inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.state.in_(OPEN)
    )
    over = chat.c.turn_id.is_(None) | chat.c.turn_id.not_in(unfinished)
    statement = delete(chat).where(chat.c.orchestrator_agent_id == orchestrator_id, over).returning(chat.c.id)
    return len((await connection.execute(statement)).all())


async def open_items(connection: AsyncConnection, orchestrator_id: UUID) -> list[InboxItem]:
    """What is not answered yet, oldest first."""
    query = select(inbox).where(inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.state.in_(OPEN))
    return [item_from(row) for row in (await connection.execute(query.order_by(inbox.c.id))).mappings()]


async def get_item(connection: AsyncConnection, orchestrator_id: UUID, item_id: int) -> InboxItem:
    """Raises NotFoundError."""
    query = select(inbox).where(inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.id == item_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no message {item_id} in this conversation", hint="see `adw chat --history`")
    return item_from(row)


async def interrupt_turn(connection: AsyncConnection, orchestrator_id: UUID) -> int | None:
    """Asks whoever answers to stop; returns the turn, or None when nothing is being answered."""
    await lock_orchestrator(connection, orchestrator_id)
    query = select(func.min(inbox.c.turn_id)).where(
        inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.state == "running"
    )
    turn_id: int | None = (await connection.execute(query)).scalar_one()
    if turn_id is not None:
        statement = update(agents).where(agents.c.id == orchestrator_id).values(interrupted_turn=turn_id)
        await connection.execute(statement)
        await announce(connection, orchestrator_id)
    return turn_id


async def forget_conversation(connection: AsyncConnection, orchestrator_id: UUID) -> None:
    """The next turn begins a new conversation, without memory; what was said stays readable, one underway ends."""
    await interrupt_turn(connection, orchestrator_id)
    values = {"session_id": None, "context_tokens": 0, "generation": agents.c.generation + 1}
    await connection.execute(update(agents).where(agents.c.id == orchestrator_id).values(values))
    note = "The conversation begins anew; nothing from before is remembered."
    await write_entry(connection, orchestrator_id, kind="notice", message=note, turn_id=None)


async def drop_events(connection: AsyncConnection, orchestrator_id: UUID) -> None:
    """Forgets events that wait in the inbox."""
    await lock_orchestrator(connection, orchestrator_id)
    mine = (inbox.c.orchestrator_agent_id == orchestrator_id, inbox.c.kind == "event", inbox.c.state == "waiting")
    values = {"state": "dropped", "ended_at": func.clock_timestamp()}
    await connection.execute(update(inbox).where(*mine).values(values))


async def lock_orchestrator(connection: AsyncConnection, orchestrator_id: UUID) -> RowMapping:
    """Raises NotFoundError."""
    query = select(agents).where(agents.c.id == orchestrator_id).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no orchestrator {orchestrator_id}")
    return row


async def announce(connection: AsyncConnection, orchestrator_id: UUID) -> None:
    """Wakes whoever listens, once this transaction has ended."""
    values = {"channel": CHAT_CHANNEL, "id": str(orchestrator_id)}
    await connection.execute(text("SELECT pg_notify(:channel, :id)"), values)


def item_from(row: RowMapping) -> InboxItem:
    return InboxItem(**{name: row[name] for name in InboxItem.__slots__})


def items_from(rows: Sequence[RowMapping]) -> tuple[InboxItem, ...]:
    return tuple(item_from(row) for row in rows)


def _entry(row: RowMapping) -> ChatEntry:
    return ChatEntry(**{name: row[name] for name in ChatEntry.__slots__})
