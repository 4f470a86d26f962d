from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import update

from adw.domain.events import EventType, NewEvent
from adw.domain.project import ForgeKind
from adw.domain.shortage import Headroom
from adw.domain.status import Status
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.listen import listen
from adw.store.notify import WORK_CHANNEL
from adw.store.projects import ensure_project
from adw.store.tables.workflows import workflows
from adw.store.workers import NewWorker, register_worker, set_shortage
from adw.store.workflows import count_active, require_workflow, transition
from adw.worker import dispatcher as dispatching
from adw.worker.dispatcher import Dispatcher
from adw.worker.host import Host


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


class Room:
    """A machine with as much as is said."""

    def __init__(self):
        self.headroom = Headroom(free_disk=1, least_disk=2)

    def look(self):
        return self.headroom


async def because(database, adw_id):
    async with database.read() as connection:
        return (await require_workflow(connection, adw_id)).queued_because


async def complete(database, adw_id):
    async with database.begin() as connection:
        completed = NewEvent(type=EventType.WORKFLOW_COMPLETED)
        await transition(connection, adw_id, to=Status.COMPLETED, event=completed)


async def test_a_crowd_from_one_project_does_not_keep_another_waiting(database, make_workflow, orders):
    crowd = [await make_workflow(issue_number=n) for n in range(3)]
    async with database.begin() as connection:
        await ensure_project(
            connection, project_id="other", name="o", forge=ForgeKind.LOCAL, source="/srv/o", base_branch="main"
        )
        await connection.execute(
            update(workflows).where(workflows.c.adw_id == crowd[2].adw_id).values(project_id="other")
        )
    dispatcher = Dispatcher(database, orders, max_active=2)
    await dispatcher.look()
    assert orders.runs == [f"{crowd[0].adw_id}.1", f"{crowd[2].adw_id}.1"]
    told = await because(database, crowd[1].adw_id)
    assert (told.reason, told.detail) == ("slots", "waiting for a slot (2 of 2 in use)")


async def test_a_project_has_its_own_limit_or_the_operators(database, make_workflow, orders):
    own = [await make_workflow(issue_number=n, project_limit=2) for n in range(3)]
    usual = await make_workflow(issue_number=9)
    dispatcher = Dispatcher(database, orders, max_active=9, per_project=1)
    await dispatcher.look()
    assert len(orders.runs) == 2
    assert (await because(database, own[2].adw_id)).reason == "project_limit"
    assert "2 of 1 in use" in (await because(database, usual.adw_id)).detail


async def test_who_depends_on_another_starts_once_it_is_done(database, make_workflow, orders):
    parent = await make_workflow(issue_number=1)
    child = await make_workflow(issue_number=2, priority=9, depends_on=(parent.adw_id,))
    dispatcher = Dispatcher(database, orders, max_active=9)
    await dispatcher.look()
    assert (await because(database, child.adw_id)).detail == f"waits for {parent.adw_id}, which is active"
    await complete(database, parent.adw_id)
    await dispatcher.look()
    assert orders.runs == [f"{parent.adw_id}.1", f"{child.adw_id}.1"]


async def test_nothing_starts_while_every_host_is_short_and_what_runs_goes_on(database, make_workflow, orders):
    running_one, queued_one = await make_workflow(issue_number=1), await make_workflow(issue_number=2)
    assert await Dispatcher(database, orders, max_active=1).admit_one()
    room = Room()
    workers = [NewWorker(id=name, name=name, host_id="h", pid=1, process_started_at=1, concurrency=1, code_revision="r")
               for name in ("short", "well")]  # fmt: skip
    async with database.begin() as connection:
        for worker in workers:
            await register_worker(connection, worker, lease_s=60)
    host = Host(database, room, host_id="h", worker_id="short")
    dispatcher = Dispatcher(database, orders, max_active=9, host=host)
    await dispatcher.look()
    assert orders.runs == [f"{running_one.adw_id}.1"]
    assert await because(database, queued_one.adw_id) is None, "the other worker may start it"
    async with database.begin() as connection:
        await set_shortage(connection, worker_id="well", shortage="all")
    dispatcher._explain_at = 0.0
    await dispatcher.look()
    assert (await because(database, queued_one.adw_id)).reason == "disk"
    assert await active(database) == 1
    room.headroom = Headroom()
    host._looked_at = float("-inf")
    await dispatcher.look()
    assert orders.runs[1:] == [f"{queued_one.adw_id}.1"]


async def test_whoever_was_admitted_is_announced_to_the_engine(database, make_workflow, orders):
    rung = []
    await make_workflow()
    dispatcher = Dispatcher(database, orders, max_active=9, admitted=lambda: rung.append(1))
    await dispatcher.look()
    await dispatcher.look()
    assert rung == [1]
