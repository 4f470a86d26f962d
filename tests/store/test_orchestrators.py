from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select

from adw.kit.errors import NotFoundError
from adw.store import orchestrators
from adw.store.tables.orchestrator import orchestrator_chat


async def get_or_create(database, folder="/srv/a"):
    async with database.begin() as connection:
        return await orchestrators.get_or_create_orchestrator(connection, folder)


async def test_a_folder_has_one_orchestrator_however_many_ask_at_once(database):
    found = await asyncio.gather(*(get_or_create(database) for _ in range(8)))
    assert len({each.id for each in found}) == 1
    assert (found[0].total_cost, found[0].status, found[0].session_id) == (Decimal(0), "idle", None)
    assert (await get_or_create(database, "/srv/b")).id != found[0].id


async def test_costs_of_many_turns_at_once_are_all_added(database):
    orchestrator = await get_or_create(database)

    async def turn():
        async with database.begin() as connection:
            await orchestrators.update_orchestrator_costs(
                connection, orchestrator.id, input_tokens=3, output_tokens=2, cost_usd=Decimal("0.000001")
            )

    await asyncio.gather(*(turn() for _ in range(20)))
    async with database.read() as connection:
        now = await orchestrators.get_orchestrator_by_id(connection, orchestrator.id)
    assert now is not None
    assert (now.input_tokens, now.output_tokens, now.total_cost) == (60, 40, Decimal("0.000020"))
    assert now.updated_at > orchestrator.updated_at


async def test_an_archived_orchestrator_makes_room_for_a_new_one(database):
    old = await get_or_create(database)
    async with database.begin() as connection:
        await orchestrators.update_orchestrator_session(connection, old.id, "s1")
        await orchestrators.archive_orchestrator(connection, old.id)
        archived = await orchestrators.get_orchestrator_by_id(connection, old.id)
    assert archived is not None
    assert (archived.archived, archived.status, archived.session_id) == (True, "archived", "s1")
    new = await get_or_create(database)
    async with database.read() as connection:
        assert [each.id for each in await orchestrators.list_active_orchestrators(connection)] == [new.id]


async def test_a_question_and_its_answer_are_kept_in_order(database):
    orchestrator = await get_or_create(database)
    async with database.begin() as connection:
        await orchestrators.save_orchestrator_chat(
            connection, orchestrator.id, user_message="How\0 far?", answer="Half.", session_id="s"
        )
        rows = (await connection.execute(select(orchestrator_chat).order_by("created_at"))).all()
    assert [(row.sender_type, row.receiver_type, row.message) for row in rows] == [
        ("user", "orchestrator", "How\N{REPLACEMENT CHARACTER} far?"),
        ("orchestrator", "user", "Half."),
    ]


async def test_an_unknown_orchestrator_is_not_found(database):
    async with database.begin() as connection:
        assert await orchestrators.get_orchestrator_by_id(connection, uuid4()) is None
        with pytest.raises(NotFoundError):
            await orchestrators.update_orchestrator_session(connection, uuid4(), "s")
