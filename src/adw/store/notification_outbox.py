"""Messages on their way: taken by one worker at a time, under a lease on the database's clock, until they arrived.

Whoever died between sending and writing that down is taken for one that did not send: a message may arrive twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.channels import Channel
from adw.domain.notifications import Delivery, DeliveryState
from adw.kit.errors import NotFoundError, WrongStateError
from adw.kit.ids import new_uuid
from adw.store.json import storable_text
from adw.store.notifications import channel_from
from adw.store.tables.notifications import approval_links, channels, deliveries, items, rules

LEASE_S = 120.0
"""Longer than any sender takes, so that a message is sent twice only if its worker was lost."""
SENT_AT_ONCE = 2
"""To one channel by all workers, so that one that hangs does not hold up the others."""
KEEP = timedelta(days=30)

_SOON = text(
    """
    SELECT EXISTS (SELECT FROM notification_rules) AS is_ruled,
           EXISTS (
               SELECT FROM notification_deliveries WHERE state IN ('waiting', 'sending') AND due_at <= :now
           ) AS is_due
    """
)
_TAKE = text(
    f"""
    UPDATE notification_deliveries AS taken
    SET state = 'sending', attempt = taken.attempt + 1, owner = :owner,
        owned_until = clock_timestamp() + interval '{LEASE_S} seconds'
    WHERE taken.id = (
        SELECT mine.id FROM notification_deliveries AS mine
        WHERE mine.state IN ('waiting', 'sending') AND mine.due_at <= :now AND (
            mine.state = 'waiting' OR mine.owned_until < clock_timestamp()
            OR EXISTS (SELECT FROM workers WHERE id = mine.owner AND ended_at IS NOT NULL)
        ) AND (
            SELECT count(*) FROM notification_deliveries AS other
            WHERE other.channel_id = mine.channel_id AND other.state = 'sending'
                  AND other.owned_until >= clock_timestamp() AND other.id <> mine.id
        ) < {SENT_AT_ONCE}
        ORDER BY mine.due_at, mine.created_at, mine.id LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING taken.id, taken.attempt, taken.rule_id, taken.channel_id
    """  # noqa: S608 # numbers of our own
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message that this worker has to send now. `attempt` counts workers that took it, this one included."""

    id: str
    attempt: int
    rule_id: str | None
    channel: Channel
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """Whether anybody wants to be told of anything, and whether something has to be sent, or is being sent."""

    is_ruled: bool
    is_due: bool


async def look_ahead(connection: AsyncConnection, *, now: datetime) -> Prospect:
    row = (await connection.execute(_SOON, {"now": now})).one()
    return Prospect(is_ruled=row.is_ruled, is_due=row.is_due)


async def take_delivery(connection: AsyncConnection, *, owner: str, now: datetime) -> Taken | None:
    """The message that has been due for longest; None when there is none."""
    row = (await connection.execute(_TAKE, {"owner": owner, "now": now})).first()
    if row is None:
        return None
    query = select(channels).where(channels.c.id == row.channel_id)
    channel = channel_from((await connection.execute(query)).mappings().one())
    return Taken(id=row.id, attempt=row.attempt, rule_id=row.rule_id, channel=channel, owner=owner)


async def end_delivery(
    connection: AsyncConnection, taken: Taken, *, state: DeliveryState, error: str | None = None
) -> bool:
    """It arrived, was given up or had nothing to say. False when another worker has it by now."""
    values = {"state": state.value, "error": error, "ended_at": func.clock_timestamp()}
    return await _settle(connection, taken, values)


async def put_back(connection: AsyncConnection, taken: Taken, *, due_at: datetime, error: str | None) -> bool:
    """It is tried again then. Without an error nobody tried: the attempt is not counted."""
    attempt = taken.attempt if error is not None else taken.attempt - 1
    values = {"state": DeliveryState.WAITING.value, "due_at": due_at, "attempt": attempt}
    return await _settle(connection, taken, values if error is None else values | {"error": error})


async def add_test(connection: AsyncConnection, channel: Channel, *, now: datetime) -> Delivery:
    """A message that only says that the channel works."""
    made = str(new_uuid())
    values = {"id": made, "channel_id": channel.id, "key": f"test:{made}", "due_at": now}
    await connection.execute(insert(deliveries).values(values))
    return await get_delivery(connection, made)


async def send_again(connection: AsyncConnection, delivery_id: str, *, now: datetime) -> Delivery:
    """Gives a failed message as many attempts as a new one. Raises NotFoundError, and WrongStateError for others."""
    found = await get_delivery(connection, delivery_id)
    failed = (deliveries.c.id == found.id, deliveries.c.state == DeliveryState.FAILED.value)
    values = {"state": DeliveryState.WAITING.value, "attempt": 0, "due_at": now, "ended_at": None}
    changed = update(deliveries).where(*failed).values(values).returning(deliveries.c.id)
    if (await connection.execute(changed)).first() is None:
        raise WrongStateError(f"the message is {found.state}", hint="only one that failed can be sent again")
    return await get_delivery(connection, found.id)


async def get_delivery(connection: AsyncConnection, delivery_id: str) -> Delivery:
    """Raises NotFoundError."""
    query = _deliveries().where(deliveries.c.id == storable_text(delivery_id))
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no message {delivery_id[:100]!r}", hint="see `adw notify deliveries`")
    return _delivery(row)


async def list_deliveries(
    connection: AsyncConnection,
    *,
    state: DeliveryState | None = None,
    channel_id: str | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Newest first."""
    query = _deliveries().order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(deliveries.c.state == state.value)
    if channel_id is not None:
        query = query.where(deliveries.c.channel_id == channel_id)
    return [_delivery(row) for row in (await connection.execute(query)).mappings()]


async def purge(connection: AsyncConnection, *, keep: timedelta = KEEP) -> int:
    """Forgets what ended long ago, and links that have expired. Returns how many messages that were."""
    now = func.clock_timestamp()
    await connection.execute(delete(approval_links).where(approval_links.c.expires_at < now - keep))
    return (await connection.execute(delete(deliveries).where(deliveries.c.ended_at < now - keep))).rowcount


async def _settle(connection: AsyncConnection, taken: Taken, values: dict[str, Any]) -> bool:
    mine = (
        deliveries.c.id == taken.id,
        deliveries.c.owner == taken.owner,
        deliveries.c.state == DeliveryState.SENDING.value,
    )
    statement = update(deliveries).where(*mine).values(**values, owner=None, owned_until=None)
    return (await connection.execute(statement.returning(deliveries.c.id))).first() is not None


def _deliveries() -> Select[Any]:
    count = select(func.count()).where(items.c.delivery_id == deliveries.c.id).scalar_subquery()
    return (
        select(deliveries, channels.c.name.label("channel"), count.label("items"))
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .outerjoin(rules, rules.c.id == deliveries.c.rule_id)
    )


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        id=row["id"],
        channel_id=row["channel_id"],
        channel=row["channel"],
        rule_id=row["rule_id"],
        state=DeliveryState(row["state"]),
        attempt=row["attempt"],
        items=row["items"],
        due_at=row["due_at"],
        error=row["error"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
