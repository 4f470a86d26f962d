"""Events as followers read them: of several workflows at once, and of all of them in one order.

That order is by the writing transaction, and stops before the oldest one that still runs: whatever commits late comes
after the place where a reader stopped. Transactions may number a workflow's events in another order than they began in;
such an event is moved forward to right before its successor, so that nobody sees `seq` 6 before 5. What is read after
a position depends on nothing but the position, in every process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.events import Event
from adw.kit.errors import UsageError
from adw.store.events import event_of

_MAX_MOVED = 200
"""Transactions that overlap are few; a longer gap is what retention has left."""

_COLUMNS = "e.adw_id, e.seq, e.event_type, e.phase, e.message, e.data, e.created_at"

_SEVERAL = text(
    f"""
    SELECT e.* FROM unnest(CAST(:ids AS text[]), CAST(:afters AS bigint[])) AS wanted(adw_id, after)
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM adw_workflow_events e
        WHERE e.adw_id = wanted.adw_id AND e.seq > wanted.after ORDER BY e.seq LIMIT :limit
    ) e
    ORDER BY e.adw_id, e.seq
    """  # noqa: S608 # the columns are our own
)
_HORIZON = text("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")
_PENDING = text("SELECT EXISTS (SELECT FROM adw_workflow_events WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))")
_ALL = text(
    f"""
    SELECT CAST(e.xid AS text) AS xid, {_COLUMNS} FROM adw_workflow_events e
    WHERE (e.xid, e.adw_id, e.seq) >= (CAST(CAST(:xid AS text) AS xid8), :adw_id, :seq)
      AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.adw_id, e.seq LIMIT :limit
    """  # noqa: S608 # the columns are our own
)
_FLOORS = text(
    """
    SELECT wanted.adw_id, coalesce((
        SELECT e.seq FROM adw_workflow_events e
        WHERE e.adw_id = wanted.adw_id AND (e.xid, e.adw_id, e.seq) <= (CAST(CAST(:xid AS text) AS xid8), :adw_id, :seq)
        ORDER BY e.seq DESC LIMIT 1
    ), 0) AS seq
    FROM unnest(CAST(:ids AS text[])) AS wanted(adw_id)
    """
)
_BETWEEN = text(
    f"""
    SELECT {_COLUMNS} FROM adw_workflow_events e
    WHERE e.adw_id = :adw_id AND e.seq > :after AND e.seq < :before ORDER BY e.seq
    """  # noqa: S608 # the columns are our own
)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place among all events: right after the event `done` of the workflow, told on behalf of its event `seq`."""

    xid: int
    adw_id: str
    seq: int
    done: int

    def __str__(self) -> str:
        """As clients get it; they give it back and look into it no further."""
        parts = [str(self.xid), self.adw_id, str(self.seq)]
        return ".".join(parts if self.done == self.seq else [*parts, str(self.done)])


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Events of all workflows in their order, each with its place."""

    events: Sequence[tuple[Position, Event]]
    upto: Position
    """Everything up to here has been read, whether or not it had to be told."""
    is_more: bool
    is_pending: bool
    """Written already, but not yet to be read: somebody who began earlier may still write what comes before it."""


def parse_position(given: str) -> Position:
    """Raises UsageError for what cannot have come from us."""
    parts = given.split(".")
    numbers = [part for place, part in enumerate(parts) if place != 1]
    is_ours = len(parts) in {3, 4} and len(given) <= 100  # noqa: PLR2004 # without and with `done`
    if not is_ours or not all(part.isascii() and part.isdigit() and int(part) < 2**63 for part in numbers):
        raise UsageError("`after` is no cursor of the global feed", hint="pass the `cursor` of an event you were sent")
    if not parts[1].isalnum() and parts[1]:
        raise UsageError("`after` is no cursor of the global feed", hint="pass the `cursor` of an event you were sent")
    xid, seq, *done = (int(part) for part in numbers)
    return Position(xid, parts[1], seq, done[0] if done else seq)


async def read_several(connection: AsyncConnection, after: Mapping[str, int], *, limit: int) -> dict[str, list[Event]]:
    """Events with a larger `seq` than named for each workflow, at most `limit` of each; none for those without."""
    parameters = {"ids": list(after), "afters": list(after.values()), "limit": limit}
    found: dict[str, list[Event]] = {}
    for row in (await connection.execute(_SEVERAL, parameters)).mappings():
        found.setdefault(row["adw_id"], []).append(event_of(row))
    return found


async def read_horizon(connection: AsyncConnection) -> Position:
    """The place before everything that may still be written."""
    return Position(int((await connection.execute(_HORIZON)).scalar_one()), "", 0, 0)


async def read_all(
    connection: AsyncConnection, after: Position, *, limit: int, floors: dict[str, int] | None = None
) -> FeedPage:
    """Events of all workflows after a place. Who reads on from page to page may keep `floors`, which saves a query."""
    floors = {} if floors is None else floors
    is_pending = (await connection.execute(_PENDING)).scalar_one()
    place = {"xid": str(after.xid), "adw_id": after.adw_id, "seq": after.seq}
    rows = list((await connection.execute(_ALL, place | {"limit": limit + 1})).mappings())
    page, is_more = rows[:limit], len(rows) > limit
    unknown = sorted({row["adw_id"] for row in page} - floors.keys())
    if unknown:
        found = await connection.execute(_FLOORS, place | {"ids": unknown})
        floors.update({row.adw_id: row.seq for row in found})
    if after.done < after.seq:
        floors[after.adw_id] = after.done
    events: list[tuple[Position, Event]] = []
    for row in page:
        events += await _told(connection, row, floors)
    last = page[-1] if page else None
    upto = after if last is None else Position(int(last["xid"]), last["adw_id"], last["seq"], last["seq"])
    return FeedPage(events=events, upto=upto, is_more=is_more, is_pending=is_pending)


async def _told(connection: AsyncConnection, row: RowMapping, floors: dict[str, int]) -> list[tuple[Position, Event]]:
    """The event with those of its workflow before it that have not been told; none if it has been told itself."""
    adw_id, seq, floor = row["adw_id"], row["seq"], floors[row["adw_id"]]
    if seq <= floor:
        return []
    xid = int(row["xid"])
    told: list[tuple[Position, Event]] = []
    if seq > floor + 1:
        between: dict[str, Any] = {"adw_id": adw_id, "after": max(floor, seq - _MAX_MOVED), "before": seq}
        moved = [event_of(each) for each in (await connection.execute(_BETWEEN, between)).mappings()]
        told = [(Position(xid, adw_id, seq, event.seq), event) for event in moved]
    floors[adw_id] = seq
    return [*told, (Position(xid, adw_id, seq, seq), event_of(row))]
