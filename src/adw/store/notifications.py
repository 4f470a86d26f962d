"""Channels and rules of notifications, as people set them up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.channels import Address, Channel, ChannelKind, NewChannel
from adw.domain.notifications import Digest, NewRule, Rule
from adw.domain.quiet import QuietHours
from adw.kit.errors import ConflictError, NotFoundError
from adw.kit.ids import new_adw_id
from adw.store.json import storable_text
from adw.store.tables.notifications import channels, rules

_HINT = "see `adw notify list`"


async def add_channel(connection: AsyncConnection, new: NewChannel) -> Channel:
    """Raises ConflictError when there is one of that name."""
    values = {
        "id": new_adw_id(),
        "name": new.name,
        "kind": new.kind.value,
        "address": asdict(new.address),
        "person": None if new.person is None else storable_text(new.person),
        "link_hours": new.link_hours,
        "created_by": storable_text(new.created_by),
    }
    statement = insert(channels).values(values).on_conflict_do_nothing(index_elements=["name"]).returning(channels)
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise ConflictError(
            f"there is a channel named {new.name!r}", hint="remove that one first, or choose another name"
        )
    return channel_from(row)


async def find_channel(connection: AsyncConnection, reference: str, *, keep: bool = False) -> Channel:
    """By id or name. With `keep` it cannot be removed until the transaction ends. Raises NotFoundError."""
    wanted = storable_text(reference)
    query = select(channels).where(or_(channels.c.id == wanted, channels.c.name == wanted))
    query = query.order_by(channels.c.name == wanted).limit(1)
    if keep:
        query = query.with_for_update(read=True, key_share=True)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no channel {reference[:100]!r}", hint=_HINT)
    return channel_from(row)


async def list_channels(connection: AsyncConnection) -> list[Channel]:
    rows = (await connection.execute(select(channels).order_by(channels.c.name))).mappings()
    return [channel_from(row) for row in rows]


async def remove_channel(connection: AsyncConnection, reference: str) -> Channel:
    """With its rules, what is on its way, and its links. Raises NotFoundError."""
    channel = await find_channel(connection, reference)
    # In the order in which what happens is fed to rules: neither waits for the other then.
    await connection.execute(select(rules.c.id).where(rules.c.channel_id == channel.id).with_for_update())
    await connection.execute(delete(channels).where(channels.c.id == channel.id))
    return channel


async def add_rule(connection: AsyncConnection, new: NewRule) -> Rule:
    """From now on; what happened before is not told."""
    digest, quiet = new.digest, new.quiet
    values = {
        "id": new_adw_id(),
        "channel_id": new.channel_id,
        "events": list(new.events),
        "project_ids": list(new.project_ids),
        "urgent": list(new.urgent),
        "digest_minutes": None if digest is None else digest.minutes,
        "digest_at": [] if digest is None else list(digest.at),
        "quiet_from": None if quiet is None else quiet.start,
        "quiet_until": None if quiet is None else quiet.end,
        "zone": _zone(digest, quiet),
        "created_by": storable_text(new.created_by),
    }
    made = (await connection.execute(insert(rules).values(values).returning(rules.c.id))).scalar_one()
    return await get_rule(connection, made)


async def get_rule(connection: AsyncConnection, rule_id: str) -> Rule:
    """Raises NotFoundError."""
    query = _rules().where(rules.c.id == storable_text(rule_id))
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no rule {rule_id[:100]!r}", hint=_HINT)
    return rule_from(row)


async def list_rules(connection: AsyncConnection) -> list[Rule]:
    rows = (await connection.execute(_rules().order_by(rules.c.created_at, rules.c.id))).mappings()
    return [rule_from(row) for row in rows]


async def switch_rule(connection: AsyncConnection, rule_id: str, *, enabled: bool) -> Rule:
    """On or off; again is no error. Raises NotFoundError."""
    found = await get_rule(connection, rule_id)
    await connection.execute(update(rules).where(rules.c.id == found.id).values(enabled=enabled))
    return await get_rule(connection, rule_id)


async def remove_rule(connection: AsyncConnection, rule_id: str) -> Rule:
    """With what is on its way. Raises NotFoundError."""
    found = await get_rule(connection, rule_id)
    await connection.execute(delete(rules).where(rules.c.id == found.id))
    return found


def channel_from(row: RowMapping) -> Channel:
    """The channel a row of the table holds."""
    address: dict[str, Any] = {**row["address"], "recipients": tuple(row["address"]["recipients"])}
    return Channel(
        id=row["id"],
        name=row["name"],
        kind=ChannelKind(row["kind"]),
        address=Address(**address),
        person=row["person"],
        link_hours=row["link_hours"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )


def rule_from(row: RowMapping) -> Rule:
    """The rule a row of the table, with the name of its channel, holds."""
    zone, minutes, at = row["zone"], row["digest_minutes"], tuple(row["digest_at"])
    quiet_from = row["quiet_from"]
    return Rule(
        id=row["id"],
        channel_id=row["channel_id"],
        channel=row["channel"],
        events=tuple(row["events"]),
        project_ids=tuple(row["project_ids"]),
        urgent=tuple(row["urgent"]),
        digest=Digest(minutes=minutes, at=at, zone=zone) if minutes is not None or at else None,
        quiet=None if quiet_from is None else QuietHours(start=quiet_from, end=row["quiet_until"], zone=zone),
        zone=zone,
        enabled=row["enabled"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )


def _rules() -> Select[Any]:
    return select(rules, channels.c.name.label("channel")).join(channels, channels.c.id == rules.c.channel_id)


def _zone(digest: Digest | None, quiet: QuietHours | None) -> str:
    return (digest or quiet or Digest()).zone
