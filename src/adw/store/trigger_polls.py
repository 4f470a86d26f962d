"""Who looks at which forge next. A project is one worker's for the length of a look; the cursor says what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.json import storable_text
from adw.store.tables.triggers import polls

LEASE_S = 120.0
OVERLAP = timedelta(days=1)
"""How far before the last look something may have happened of which we hear only now."""

_MISSING = text("""
INSERT INTO trigger_polls (project_id) SELECT id FROM projects WHERE forge = 'github' ON CONFLICT DO NOTHING
""")

_CLAIM = text("""
UPDATE trigger_polls SET owner = :owner, leased_until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE project_id = (
    SELECT project_id FROM trigger_polls
    WHERE due_at <= clock_timestamp() AND (leased_until IS NULL OR leased_until <= clock_timestamp())
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING project_id, cursor, failures, looked_at, first_number, clock_timestamp() AS now
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A project to look at. Without a cursor nobody has looked before. `failures` in a row came before this one."""

    project_id: str
    cursor: str | None
    failures: int
    looked_at: datetime | None
    """When somebody looked last with success."""
    first_number: int | None
    """The highest number there was at the first look: by numbers new things are told from old ones without a clock."""
    now: datetime

    @property
    def new_since(self) -> datetime:
        """From when on something can be news to us."""
        return self.now if self.looked_at is None else self.looked_at - OVERLAP


async def claim_poll(connection: AsyncConnection, *, owner: str, lease_s: float = LEASE_S) -> Look | None:
    """The project whose turn it is, for this owner alone until the lease ends; every project on GitHub has a turn."""
    await connection.execute(_MISSING)
    row = (await connection.execute(_CLAIM, {"owner": owner, "lease_s": lease_s})).mappings().first()
    return None if row is None else Look(**row)


async def is_owner(connection: AsyncConnection, *, project_id: str, owner: str) -> bool:
    """Whether the lease still holds; it is locked until the transaction ends."""
    query = (
        polls.select()
        .where(polls.c.project_id == project_id, polls.c.owner == owner, polls.c.leased_until > func.clock_timestamp())
        .with_for_update()
    )
    return (await connection.execute(query)).first() is not None


async def end_poll(
    connection: AsyncConnection,
    *,
    project_id: str,
    owner: str,
    again_in_s: float,
    cursor: str | None = None,
    first_number: int | None = None,
    problem: str | None = None,
) -> None:
    """Gives the project back. With a problem the cursor stays, and it counts as a failure. None leaves things as is."""
    values: dict[str, object] = {
        "owner": None,
        "leased_until": None,
        "due_at": func.clock_timestamp() + timedelta(seconds=again_in_s),
        "problem": None if problem is None else storable_text(problem)[:500],
        "failures": 0 if problem is None else polls.c.failures + 1,
    }
    if cursor is not None:
        values |= {"cursor": storable_text(cursor), "looked_at": func.clock_timestamp()}
    if first_number is not None:
        values["first_number"] = first_number
    mine = (polls.c.project_id == project_id, polls.c.owner == owner)
    await connection.execute(update(polls).where(*mine).values(**values))
