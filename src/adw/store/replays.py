"""Answers kept for requests that are sent again, so that what was asked for once is done once.

One process holds a request while it finds its answer. Should it die, whoever asks after a while does it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.replays import replays

KEPT = timedelta(hours=48)
HELD = timedelta(seconds=120)
"""Longer than any request takes."""


class Turn(StrEnum):
    """What whoever comes with a key is to do."""

    MINE = "mine"
    ANSWERED = "answered"
    BUSY = "busy"
    OTHER = "other"
    """The key belongs to a request that said something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it was sent."""

    status: int
    media_type: str | None
    body: bytes


async def take_turn(
    connection: AsyncConnection, replay_id: str, *, request: str, holder: str
) -> tuple[Turn, Reply | None]:
    """The reply is there when it was `ANSWERED`. `request` stands for what the request says."""
    now = func.clock_timestamp()
    await connection.execute(delete(replays).where(replays.c.created_at < now - KEPT))
    values = {"id": replay_id, "request": request, "held_by": holder, "held_until": now + HELD}
    mine = insert(replays).values(values)
    is_abandoned = and_(
        replays.c.status.is_(None), replays.c.held_until < now, replays.c.request == mine.excluded.request
    )
    taken = mine.on_conflict_do_update(
        index_elements=[replays.c.id],
        set_={"held_by": mine.excluded.held_by, "held_until": mine.excluded.held_until},
        where=is_abandoned,
    )
    if (await connection.execute(taken.returning(replays.c.id))).first() is not None:
        return Turn.MINE, None
    row = (await connection.execute(select(replays).where(replays.c.id == replay_id))).mappings().first()
    if row is None:  # let go of this very moment: whoever looks again may have it
        return Turn.BUSY, None
    if row["request"] != request:
        return Turn.OTHER, None
    if row["status"] is None:
        return Turn.BUSY, None
    return Turn.ANSWERED, Reply(status=row["status"], media_type=row["media_type"], body=bytes(row["body"]))


async def keep_reply(connection: AsyncConnection, replay_id: str, reply: Reply, *, holder: str) -> None:
    """From now on the request is answered so."""
    mine = update(replays).where(replays.c.id == replay_id, replays.c.held_by == holder)
    await connection.execute(mine.values(status=reply.status, media_type=reply.media_type, body=reply.body))


async def let_go(connection: AsyncConnection, replay_id: str, *, holder: str) -> None:
    """Nothing was done: the request may be tried again."""
    mine = delete(replays).where(replays.c.id == replay_id, replays.c.held_by == holder, replays.c.status.is_(None))
    await connection.execute(mine)
