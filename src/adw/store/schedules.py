"""Schedules of projects: those of their `adw.toml`, which follow it, and those people added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.schedule import Plan, Schedule, next_after
from adw.kit.errors import ConflictError, NotFoundError
from adw.kit.ids import new_adw_id
from adw.store.json import storable_text
from adw.store.tables.triggers import schedules


async def add_schedule(connection: AsyncConnection, *, project_id: str, plan: Plan, created_by: str) -> Schedule:
    """A person's schedule; the same plan again is the schedule there is. Raises UsageError for a plan never due."""
    await _add(connection, project_id=project_id, plan=plan, created_by=created_by, is_from_file=False)
    query = select(schedules).where(schedules.c.project_id == project_id, schedules.c.digest == plan.digest)
    return _schedule((await connection.execute(query)).mappings().one())


async def follow_file(connection: AsyncConnection, *, project_id: str, plans: Sequence[Plan]) -> None:
    """Makes the project's schedules from its file those it names now. What stays keeps its next moment."""
    wanted = {plan.digest: plan for plan in plans}
    gone = delete(schedules).where(
        schedules.c.project_id == project_id, schedules.c.is_from_file, schedules.c.digest.not_in(list(wanted))
    )
    await connection.execute(gone)
    for plan in wanted.values():
        await _add(connection, project_id=project_id, plan=plan, created_by="adw.toml", is_from_file=True)


async def list_schedules(connection: AsyncConnection, *, project_id: str | None = None) -> list[Schedule]:
    """The next due first."""
    query = select(schedules).order_by(schedules.c.due_at, schedules.c.id)
    if project_id is not None:
        query = query.where(schedules.c.project_id == project_id)
    return [_schedule(row) for row in (await connection.execute(query)).mappings()]


async def get_schedule(connection: AsyncConnection, schedule_id: str) -> Schedule | None:
    query = select(schedules).where(schedules.c.id == storable_text(schedule_id))
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _schedule(row)


async def remove_schedule(connection: AsyncConnection, schedule_id: str) -> Schedule:
    """Raises NotFoundError, and ConflictError for one that the project's file would bring back."""
    found = await get_schedule(connection, schedule_id)
    if found is None:
        raise NotFoundError(f"there is no schedule {schedule_id[:40]!r}", hint="see `adw schedule list`")
    if found.is_from_file:
        raise ConflictError(
            f"schedule {found.id} is one of the project's adw.toml", hint="remove it there, on the base branch"
        )
    await connection.execute(delete(schedules).where(schedules.c.id == found.id))
    return found


async def claim_due(connection: AsyncConnection) -> Schedule | None:
    """A schedule whose moment has come, as it was; in the same transaction its next moment is set after now.

    However many moments passed while nobody looked, only one of them is told.
    """
    query = (
        select(schedules, func.clock_timestamp().label("now"))
        .where(schedules.c.due_at <= func.clock_timestamp())
        .order_by(schedules.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    found = _schedule(row)
    due = next_after(found.plan.cron, zone=found.plan.zone, moment=row["now"])
    moved = update(schedules).where(schedules.c.id == found.id).values(due_at=due, last_due_at=found.due_at)
    await connection.execute(moved)
    return found


async def _add(
    connection: AsyncConnection, *, project_id: str, plan: Plan, created_by: str, is_from_file: bool
) -> None:
    now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    values = {
        "id": new_adw_id(),
        "project_id": project_id,
        "is_from_file": is_from_file,
        "digest": plan.digest,
        "cron": storable_text(" ".join(plan.cron.split())),
        "zone": plan.zone,
        "prompt": storable_text(plan.prompt.strip()),
        "workflow": plan.workflow,
        "created_by": storable_text(created_by),
        "due_at": next_after(plan.cron, zone=plan.zone, moment=now.astimezone(UTC)),
    }
    new = insert(schedules).values(values)
    await connection.execute(new.on_conflict_do_nothing(index_elements=["project_id", "digest"]))


def _schedule(row: RowMapping) -> Schedule:
    plan = Plan(cron=row["cron"], prompt=row["prompt"], zone=row["zone"], workflow=row["workflow"])
    return Schedule(
        id=row["id"],
        project_id=row["project_id"],
        plan=plan,
        is_from_file=row["is_from_file"],
        created_by=row["created_by"],
        due_at=row["due_at"],
        last_due_at=row["last_due_at"],
        created_at=row["created_at"],
    )
