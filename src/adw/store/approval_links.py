"""Links by which one person answers one approval, kept as digests of their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.approval import Decision
from adw.domain.channels import Channel
from adw.store.json import storable_text
from adw.store.tables.notifications import approval_links as links
from adw.store.tables.notifications import channels
from adw.store.tables.work import approvals


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLink:
    """A link that can be used now. `channel` is by which it went out, `person` in whose name it decides."""

    approval_id: UUID
    channel: str
    person: str
    expires_at: datetime


async def add_approval_link(
    connection: AsyncConnection, *, digest: str, approval_id: UUID, channel: Channel, person: str
) -> bool:
    """Good for as long as the channel says, and until the approval is decided by whomever.

    False when the channel has been removed meanwhile.
    """
    kept = select(channels.c.id).where(channels.c.id == channel.id).with_for_update(read=True, key_share=True)
    if (await connection.execute(kept)).first() is None:
        return False
    values = {
        "digest": digest,
        "approval_id": approval_id,
        "channel_id": channel.id,
        "person": storable_text(person),
        "expires_at": func.clock_timestamp() + timedelta(hours=channel.link_hours),
    }
    await connection.execute(insert(links).values(values))
    return True


async def usable_link(connection: AsyncConnection, digest: str) -> ApprovalLink | None:
    """None for what never was, was used, has expired, or whose approval is decided. A look only."""
    query = (
        select(links, channels.c.name.label("channel"))
        .join(channels, channels.c.id == links.c.channel_id)
        .join(approvals, approvals.c.id == links.c.approval_id)
        .where(
            links.c.digest == digest,
            links.c.used_at.is_(None),
            links.c.expires_at > func.clock_timestamp(),
            approvals.c.decision == Decision.PENDING.value,
        )
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    return ApprovalLink(
        approval_id=row["approval_id"], channel=row["channel"], person=row["person"], expires_at=row["expires_at"]
    )


async def spend_link(connection: AsyncConnection, digest: str) -> None:
    """Notes that it was used. What makes it good for one time is that its approval is decided by then."""
    spent = update(links).where(links.c.digest == digest, links.c.used_at.is_(None))
    await connection.execute(spent.values(used_at=func.clock_timestamp()))
