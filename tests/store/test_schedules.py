from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.conftest import PROJECT, MakeWorkflow

from adw.domain.schedule import Plan, Schedule
from adw.kit.errors import ConflictError, NotFoundError, UsageError
from adw.store import schedules as rows
from adw.store.db import Database

HOURLY = Plan(cron="0 * * * *", prompt="Tidy up")
NIGHTLY = Plan(cron="0 3 * * *", prompt="Update the dependencies", zone="Europe/Berlin", workflow="patch")


@pytest.fixture(autouse=True)
async def known(make_workflow: MakeWorkflow) -> None:
    await make_workflow()


async def add(database: Database, plan: Plan = HOURLY) -> Schedule:
    async with database.begin() as connection:
        return await rows.add_schedule(connection, project_id=PROJECT, plan=plan, created_by="ann")


async def follow(database: Database, *plans: Plan) -> list[Schedule]:
    async with database.begin() as connection:
        await rows.follow_file(connection, project_id=PROJECT, plans=plans)
    return await listed(database)


async def listed(database: Database) -> list[Schedule]:
    async with database.read() as connection:
        return await rows.list_schedules(connection, project_id=PROJECT)


async def claim(database: Database) -> Schedule | None:
    async with database.begin() as connection:
        return await rows.claim_due(connection)


async def move(database: Database, due_at: datetime) -> None:
    async with database.begin() as connection:
        await connection.execute(text("UPDATE schedules SET due_at = :due_at"), {"due_at": due_at})


async def test_a_schedule_is_due_at_its_next_moment(database: Database):
    made = await add(database, NIGHTLY)
    assert made.plan == NIGHTLY
    assert timedelta() < made.due_at - datetime.now(UTC) <= timedelta(hours=25)
    assert await claim(database) is None


async def test_the_same_plan_is_the_same_schedule(database: Database):
    assert await add(database) == await add(database)
    assert len(await listed(database)) == 1


async def test_a_plan_that_never_comes_is_refused(database: Database):
    with pytest.raises(UsageError):
        await add(database, Plan(cron="0 0 30 2 *", prompt="Never"))


async def test_however_many_moments_were_missed_one_is_told_and_the_next_is_ahead(database: Database):
    await add(database)
    missed = datetime.now(UTC) - timedelta(days=3)
    await move(database, missed)
    found = await claim(database)
    assert found is not None
    assert found.due_at == missed
    assert await claim(database) is None
    [after] = await listed(database)
    assert after.last_due_at == missed
    assert after.due_at > datetime.now(UTC)


async def test_of_many_workers_one_tells_of_a_moment(database: Database):
    await add(database)
    await move(database, datetime.now(UTC) - timedelta(seconds=1))
    found = await asyncio.gather(*(claim(database) for _ in range(6)))
    assert sum(each is not None for each in found) == 1


async def test_a_file_adds_keeps_and_removes_its_own(database: Database):
    person = await add(database)
    first = await follow(database, NIGHTLY, NIGHTLY)
    assert len(first) == 2
    again = await follow(database, NIGHTLY)
    assert again == first
    assert await follow(database) == [person]


async def test_only_what_a_person_added_can_be_removed_by_one(database: Database):
    person = await add(database)
    [own] = [each for each in await follow(database, NIGHTLY) if each.is_from_file]
    async with database.begin() as connection:
        assert await rows.remove_schedule(connection, person.id) == person
    for schedule_id, kind in ((own.id, ConflictError), (person.id, NotFoundError), ("\x00", NotFoundError)):
        with pytest.raises(kind) as caught:
            async with database.begin() as connection:
                await rows.remove_schedule(connection, schedule_id)
        assert caught.value.hint
