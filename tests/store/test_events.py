from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from adw.domain.events import EventType, NewEvent
from adw.kit.errors import NotFoundError
from adw.store.db import Database
from adw.store.events import (
    FencedError,
    append_event,
    append_events,
    create_workflow_event,
    get_workflow_events,
    last_seq,
    latest_agent_seq,
)
from adw.store.notify import CHANNEL, WORK_CHANNEL
from adw.store.workflows import claim_ownership, fence_off


def said(text="hello", event_type=EventType.AGENT_TEXT, **fields):
    return NewEvent(type=event_type, message=text, **fields)


async def read(database: Database, adw_id: str, **options):
    async with database.read() as connection:
        return await get_workflow_events(connection, adw_id, **options)


async def heard_until_now(listener: psycopg.AsyncConnection[Any], database: Database) -> list[tuple[str, str]]:
    """What was announced before this call: announcements arrive in the order of their commits."""
    await listener.execute("LISTEN adw_test_now")
    async with database.begin() as connection:
        await connection.execute(text("NOTIFY adw_test_now"))
    heard: list[tuple[str, str]] = []
    async for notice in listener.notifies(timeout=20):
        if notice.channel == "adw_test_now":
            return heard
        heard.append((notice.channel, notice.payload))
    raise TimeoutError


async def roll_back(database: Database, adw_id: str) -> None:
    with suppress(RuntimeError):
        async with database.begin() as connection:
            await append_event(connection, adw_id, said("lost"))
            raise RuntimeError


async def test_sixteen_writers_at_once_leave_no_gap_and_no_duplicate(database, make_workflow):
    workflow = await make_workflow()

    async def write(writer: int) -> None:
        for number in range(5):
            async with database.begin() as connection:
                await append_event(connection, workflow.adw_id, said(f"{writer}.{number}"))

    await asyncio.gather(*(write(writer) for writer in range(16)))
    events = await read(database, workflow.adw_id)
    assert [event.seq for event in events] == list(range(1, 82))
    for writer in range(16):
        own = [event.message for event in events if event.message.startswith(f"{writer}.")]
        assert own == [f"{writer}.{number}" for number in range(5)]


async def test_a_batch_is_numbered_in_the_order_it_was_given(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        last = await append_events(connection, workflow.adw_id, [said(str(n)) for n in range(50)])
    events = await read(database, workflow.adw_id, after=1)
    assert [(event.seq, event.message) for event in events] == [(n + 2, str(n)) for n in range(50)]
    assert last == 51


async def test_an_empty_batch_changes_nothing_and_is_no_error(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        assert await append_events(connection, workflow.adw_id, []) == 1
        assert await last_seq(connection, workflow.adw_id) == 1


async def test_a_rolled_back_event_leaves_no_gap(database, make_workflow):
    workflow = await make_workflow()
    await roll_back(database, workflow.adw_id)
    async with database.begin() as connection:
        assert await append_event(connection, workflow.adw_id, said("kept")) == 2


async def test_an_owner_of_an_older_epoch_can_write_nothing(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        old = await claim_ownership(connection, workflow.adw_id, owner_id="first")
        await append_event(connection, workflow.adw_id, said("mine"), owner_epoch=old)
        new = await claim_ownership(connection, workflow.adw_id, owner_id="second")
    assert new == old + 1
    with pytest.raises(FencedError) as refused:
        async with database.begin() as connection:
            await append_event(connection, workflow.adw_id, said("late"), owner_epoch=old)
    assert refused.value.code == "fenced"
    async with database.begin() as connection:
        await fence_off(connection, workflow.adw_id)
    with pytest.raises(FencedError):
        async with database.begin() as connection:
            await append_event(connection, workflow.adw_id, said("late"), owner_epoch=new)
    assert [event.message for event in await read(database, workflow.adw_id, after=1)] == ["mine"]


async def test_an_unknown_workflow_is_not_found_rather_than_fenced(database):
    for epoch in (None, 3):
        with pytest.raises(NotFoundError):
            async with database.begin() as connection:
                await append_event(connection, "0badbeef", said(), owner_epoch=epoch)


async def test_text_postgresql_cannot_hold_is_replaced(database, make_workflow):
    workflow = await make_workflow()
    data = {"in\0put": ["a\0b", {"c": "\ud800d"}], "number": 10**30, "nan": float("nan"), "path": object}
    async with database.begin() as connection:
        await append_event(connection, workflow.adw_id, said("x\0y\udfff", data=data))
    event = (await read(database, workflow.adw_id))[-1]
    assert event.message == "x\N{REPLACEMENT CHARACTER}y?"
    assert event.data["in\N{REPLACEMENT CHARACTER}put"] == ["a\N{REPLACEMENT CHARACTER}b", {"c": "?d"}]
    assert event.data["number"] == str(10**30)
    assert event.data["nan"] is None
    assert event.data["path"] == "<class 'object'>"


async def test_events_are_read_after_a_number_up_to_a_limit_and_by_type(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        for number in range(5):
            await create_workflow_event(
                connection,
                adw_id=workflow.adw_id,
                event_type=EventType.ERROR if number % 2 else EventType.PHASE_PROGRESS,
                phase="build",
                message=str(number),
                data={"n": number},
            )
    page = await read(database, workflow.adw_id, after=2, limit=2)
    assert [(event.seq, event.phase, event.data) for event in page] == [(3, "build", {"n": 1}), (4, "build", {"n": 2})]
    errors = await read(database, workflow.adw_id, types=[EventType.ERROR])
    assert [event.message for event in errors] == ["1", "3"]
    assert await read(database, "0badbeef") == []


async def test_only_what_agents_say_and_do_counts_as_progress(database, make_workflow):
    workflow = await make_workflow()

    async def progress() -> int:
        async with database.read() as connection:
            return await latest_agent_seq(connection, workflow.adw_id)

    async def write(event_type: EventType) -> int:
        async with database.begin() as connection:
            return await append_event(connection, workflow.adw_id, said(event_type=event_type))

    assert await progress() == 0
    tool = await write(EventType.AGENT_TOOL_USE)
    assert await progress() == tool
    for recovery in (EventType.WORKER_LOST, EventType.WORKFLOW_RECOVERED, EventType.AGENT_STARTED):
        await write(recovery)
    assert await progress() == tool
    assert await write(EventType.AGENT_TEXT) == await progress()


async def test_listeners_are_woken_after_a_commit_and_never_for_a_rollback(database, database_url, make_workflow):
    workflow = await make_workflow()
    await database.notifier.close()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        await listener.execute(f"LISTEN {WORK_CHANNEL}")
        await roll_back(database, workflow.adw_id)
        assert await heard_until_now(listener, database) == []
        async with database.begin() as connection:
            await append_event(connection, workflow.adw_id, NewEvent(type=EventType.WORKFLOW_UPDATED))
        for number in range(20):
            async with database.begin() as connection:
                await append_event(connection, workflow.adw_id, said(str(number)))
        await database.notifier.close()
        woken = await heard_until_now(listener, database)
    assert {*woken} == {(CHANNEL, workflow.adw_id), (WORK_CHANNEL, "")}
    assert len([channel for channel, _ in woken if channel == CHANNEL]) < 20, "wake-ups are coalesced"


async def test_what_agents_say_wakes_nobody_who_looks_for_work(database, database_url, make_workflow):
    workflow = await make_workflow()
    await database.notifier.close()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute(f"LISTEN {WORK_CHANNEL}")
        async with database.begin() as connection:
            await append_event(connection, workflow.adw_id, said("thinking"))
        await database.notifier.close()
        assert await heard_until_now(listener, database) == []
