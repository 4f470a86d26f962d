"""What people want on an issue, told apart from what they wanted before, and which refusals they have been told.

The same wish may reach us as several events: an issue is opened with a label, and the label is put on it. The first
that is worked on owns the wish; the others find it taken. A wish is new again when it is made a good while later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.status import UNFINISHED
from adw.store.json import storable_text
from adw.store.tables.triggers import intents, replies
from adw.store.tables.workflows import workflows

SAME_WITHIN = timedelta(seconds=60)
"""By the forge's clock: events nearer to each other than this tell of one wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A wish that is this delivery's to fulfil, or another one's. `generation` tells its repetitions apart."""

    generation: int
    delivery_id: int


async def take_intent(
    connection: AsyncConnection, *, project_id: str, issue_number: int, intent: str, at: datetime, delivery_id: int
) -> Taken:
    """Makes the wish the delivery's own if it is new; else tells whose it is. Repeating it changes nothing."""
    new = insert(intents).values(
        project_id=project_id, issue_number=issue_number, intent=storable_text(intent), at=at, delivery_id=delivery_id
    )
    later = new.on_conflict_do_update(
        index_elements=["project_id", "issue_number", "intent"],
        set_={"generation": intents.c.generation + 1, "at": new.excluded.at, "delivery_id": new.excluded.delivery_id},
        where=(new.excluded.at > intents.c.at + SAME_WITHIN) & (intents.c.delivery_id != new.excluded.delivery_id),
    ).returning(intents.c.generation, intents.c.delivery_id)
    row = (await connection.execute(later)).first()
    if row is None:
        query = select(intents.c.generation, intents.c.delivery_id).where(
            intents.c.project_id == project_id,
            intents.c.issue_number == issue_number,
            intents.c.intent == storable_text(intent),
        )
        row = (await connection.execute(query)).one()
    return Taken(generation=row.generation, delivery_id=row.delivery_id)


async def starts_within_a_day(
    connection: AsyncConnection, *, project_id: str, issue_number: int, sources: tuple[str, ...]
) -> int:
    """How many workflows on an issue began by themselves in the last 24 hours."""
    query = select(func.count()).where(
        workflows.c.project_id == project_id,
        workflows.c.issue_number == issue_number,
        workflows.c.created_at > func.clock_timestamp() - timedelta(days=1),
        workflows.c.trigger["source"].astext.in_(sources),
    )
    return int((await connection.execute(query)).scalar_one())


async def live_of_schedule(connection: AsyncConnection, schedule_id: str) -> str | None:
    """The id of a workflow of the schedule whose phases are not done yet."""
    query = select(workflows.c.adw_id).where(
        workflows.c.trigger["schedule"].astext == schedule_id,
        workflows.c.status.in_(sorted(UNFINISHED)),
    )
    return (await connection.execute(query.limit(1))).scalar_one_or_none()


async def may_reply(
    connection: AsyncConnection, *, project_id: str, number: int, reason: str, person: str, only_once: bool
) -> bool:
    """Whether a refusal may be told on an issue, and notes it: one for each reason. True again for the same person.

    `only_once`: not if this person has had any answer in this project, elsewhere or for another reason.
    """
    name = storable_text(person).lower()
    if only_once:
        query = select(replies.c.number, replies.c.reason).where(
            replies.c.project_id == project_id, replies.c.person == name
        )
        told = (await connection.execute(query)).first()
        if told is not None:
            return (told.number, told.reason) == (number, reason)
    new = insert(replies).values(project_id=project_id, number=number, reason=reason, person=name)
    await connection.execute(new.on_conflict_do_nothing())
    query = select(replies.c.person).where(
        replies.c.project_id == project_id, replies.c.number == number, replies.c.reason == reason
    )
    return (await connection.execute(query)).scalar_one() == name
