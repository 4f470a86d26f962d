from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import PROJECT, MakeWorkflow

from adw.store import trigger_intents as rows
from adw.store.db import Database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def known(make_workflow: MakeWorkflow) -> None:
    await make_workflow(trigger={"source": "label", "actor": "ann"})


async def take(database: Database, delivery_id: int, *, at: datetime = NOW, intent: str = "label:adw:sdlc:ann"):
    async with database.begin() as connection:
        return await rows.take_intent(
            connection, project_id=PROJECT, issue_number=1, intent=intent, at=at, delivery_id=delivery_id
        )


async def reply(database: Database, number: int, reason: str, person: str, *, only_once: bool = False) -> bool:
    async with database.begin() as connection:
        return await rows.may_reply(
            connection, project_id=PROJECT, number=number, reason=reason, person=person, only_once=only_once
        )


@pytest.mark.usefixtures("known")
async def test_events_near_each_other_tell_of_one_wish(database: Database):
    first = await take(database, 1)
    assert (first.generation, first.delivery_id) == (1, 1)
    for later in (-3600, -1, 0, 1, 60):
        assert await take(database, 2, at=NOW + timedelta(seconds=later)) == first
    assert await take(database, 1) == first


@pytest.mark.usefixtures("known")
async def test_a_wish_made_a_good_while_later_is_a_new_one(database: Database):
    await take(database, 1)
    later = await take(database, 2, at=NOW + timedelta(seconds=61))
    assert (later.generation, later.delivery_id) == (2, 2)
    assert await take(database, 2, at=NOW + timedelta(hours=1)) == later
    assert (await take(database, 3, intent="body:ann")).generation == 1


@pytest.mark.usefixtures("known")
async def test_of_many_at_once_one_owns_the_wish(database: Database):
    taken = await asyncio.gather(*(take(database, number) for number in range(1, 9)))
    assert len({each.delivery_id for each in taken}) == 1


async def test_only_starts_by_themselves_are_counted(database: Database, make_workflow: MakeWorkflow):
    for number, source in enumerate(("label", "comment", "cli", "schedule"), start=1):
        del number
        await make_workflow(trigger={"source": source}, forked_from=None, issue_number=None)
    await make_workflow(trigger={"source": "label"})

    async def count(**changes: Any) -> int:
        async with database.read() as connection:
            return await rows.starts_within_a_day(
                connection, project_id=PROJECT, issue_number=changes.get("issue", 1), sources=("label", "comment")
            )

    assert await count() == 1
    assert await count(issue=2) == 0


@pytest.mark.usefixtures("known")
async def test_a_reason_is_told_once_on_an_issue(database: Database):
    assert await reply(database, 1, "cooldown", "ann")
    assert await reply(database, 1, "cooldown", "Ann")
    assert not await reply(database, 1, "cooldown", "ben")
    assert await reply(database, 1, "zte_off", "ann")
    assert await reply(database, 2, "cooldown", "ben")


@pytest.mark.usefixtures("known")
async def test_a_stranger_is_answered_once_in_a_project(database: Database):
    assert await reply(database, 1, "not_permitted", "sam", only_once=True)
    assert await reply(database, 1, "not_permitted", "sam", only_once=True)
    assert not await reply(database, 2, "not_permitted", "sam", only_once=True)
    assert not await reply(database, 1, "unknown_kind", "sam", only_once=True)
