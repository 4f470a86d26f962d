from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.listen import listen
from adw.store.notify import WORK_CHANNEL
from adw.store.workflows import count_active, require_workflow, transition
from adw.worker import dispatcher as dispatching
from adw.worker.dispatcher import Dispatcher


class Orders:
    """Notes what is handed to the engine."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.refuses: Exception | None = None

    async def enqueue(self, _connection: Any, *, run_id: str, payload: Any, priority: int = 0) -> None:
        assert payload["phases"]
        assert priority == 0
        if self.refuses is not None:
            raise self.refuses
        self.runs.append(run_id)

    async def revoke(self, _connection: Any, *, run_id: str) -> None:
        raise AssertionError(run_id)


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def dispatcher(database, orders):
    return Dispatcher(database, orders, max_active=3)


@asynccontextmanager
async def running(*work):
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def active(database):
    async with database.read() as connection:
        return await count_active(connection)


async def test_workflows_are_admitted_up_to_the_limit_urgent_ones_first(database, make_workflow, dispatcher, orders):
    made = [await make_workflow(issue_number=n, priority=int(n == 4)) for n in range(5)]
    while await dispatcher.admit_one():
        pass
    assert orders.runs == [f"{made[n].adw_id}.1" for n in (4, 0, 1)]
    assert await active(database) == 3


async def test_a_slot_given_back_is_taken_by_the_next(database, make_workflow, dispatcher, orders):
    made = [await make_workflow(issue_number=n) for n in range(4)]
    while await dispatcher.admit_one():
        pass
    async with database.begin() as connection:
        waiting = NewEvent(type=EventType.WORKFLOW_WAITING)
        changes = {"wait_reason": "approval"}
        await transition(connection, made[0].adw_id, to=Status.WAITING, event=waiting, changes=changes)
    assert await dispatcher.admit_one()
    assert orders.runs[-1] == f"{made[3].adw_id}.1"
    assert not await dispatcher.admit_one()


async def test_an_admitted_workflow_has_started_and_says_so(database, make_workflow, dispatcher):
    workflow = await make_workflow()
    assert await dispatcher.admit_one()
    async with database.read() as connection:
        now = await require_workflow(connection, workflow.adw_id)
        events = await get_workflow_events(connection, workflow.adw_id)
    assert (now.status, now.leg) == (Status.ACTIVE, 1)
    assert now.started_at is not None
    assert events[-1].type is EventType.WORKFLOW_STARTED
    assert not await dispatcher.admit_one()


async def test_what_the_engine_does_not_take_stays_queued(database, make_workflow, dispatcher, orders):
    workflow = await make_workflow()
    orders.refuses = RuntimeError("no")
    with pytest.raises(RuntimeError):
        await dispatcher.admit_one()
    async with database.read() as connection:
        assert await require_workflow(connection, workflow.adw_id) == workflow


async def test_two_dispatchers_together_keep_the_limit_and_admit_each_workflow_once(
    database, database_url, make_workflow, dispatcher, orders, eventually
):
    other_database = Database(database_url, pool_size=2)
    other = Dispatcher(other_database, orders, max_active=3)
    most = 0
    made = [await make_workflow(issue_number=n) for n in range(9)]

    async def finish():
        """Looks, and ends what has started, so that all get their turn."""
        nonlocal most
        most = max(most, await active(database))
        async with database.begin() as connection:
            for run_id in orders.runs:
                adw_id = run_id.partition(".")[0]
                if (await require_workflow(connection, adw_id)).status is Status.ACTIVE:
                    completed = NewEvent(type=EventType.WORKFLOW_COMPLETED)
                    await transition(connection, adw_id, to=Status.COMPLETED, event=completed)
        dispatcher.wake()
        other.wake()
        return len(orders.runs) == 9

    async with running(dispatcher.run(), other.run()):
        await eventually(finish)
    assert sorted(orders.runs) == sorted(f"{each.adw_id}.1" for each in made)
    assert 0 < most <= 3
    await other_database.close()


async def test_new_work_wakes_the_dispatcher_before_its_next_look(
    database, make_workflow, dispatcher, orders, eventually, monkeypatch
):
    monkeypatch.setattr(dispatching, "POLL_S", 3600)
    looks = []

    def wake():
        looks.append(1)
        dispatcher.wake()

    async with running(dispatcher.run(), listen(database, WORK_CHANNEL, wake)):
        await eventually(lambda: looks)
        await make_workflow()
        await eventually(lambda: orders.runs)


async def test_without_a_wake_up_work_is_found_by_looking(make_workflow, dispatcher, orders, eventually, monkeypatch):
    monkeypatch.setattr(dispatching, "POLL_S", 0.01)
    async with running(dispatcher.run()):
        await make_workflow()
        await eventually(lambda: orders.runs)


async def test_a_database_that_is_away_for_a_moment_only_delays(
    database, database_server, database_url, make_workflow, dispatcher, orders, eventually, monkeypatch
):
    monkeypatch.setattr(dispatching, "POLL_S", 0.01)
    name = database_url.partition("?")[0].rpartition("/")[2]
    async with running(dispatcher.run()):
        database_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        database_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(0.05)  # a few looks in vain
        database_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await make_workflow()
        await eventually(lambda: orders.runs)


async def test_a_wake_up_does_not_save_it_from_being_cancelled(dispatcher):
    task = asyncio.create_task(dispatcher._pause())
    await asyncio.sleep(0)
    dispatcher.wake()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
