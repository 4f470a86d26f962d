"""LISTEN, advisory locks and connections: what processes on one database share."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from adw.domain.events import EventType
from adw.kit.errors import ConfigurationError, DatabaseError
from adw.store import listen as listening
from adw.store.db import Database, driver_url
from adw.store.events import create_workflow_event
from adw.store.listen import listen
from adw.store.locks import advisory_lock
from adw.store.notify import CHANNEL, WORK_CHANNEL
from adw.store.workflows import lock_workflow

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()"


async def scalar(database, statement, **values):
    async with database.read() as connection:
        return (await connection.execute(text(statement), values)).scalar()


async def kill(database, pid):
    await scalar(database, "SELECT pg_terminate_backend(:pid)", pid=pid)


async def test_a_listener_is_woken_by_each_commit_and_again_after_a_lost_connection(
    database, make_workflow, eventually, monkeypatch
):
    monkeypatch.setattr(listening, "RECONNECT_S", 0.01)
    workflow = await make_workflow()
    woken = []
    task = asyncio.create_task(listen(database, WORK_CHANNEL, lambda: woken.append(1)))
    await eventually(lambda: woken)  # the first wake-up: whatever came before it listened
    first = await eventually(lambda: scalar(database, LISTENERS))

    async def write():
        count = len(woken)
        async with database.begin() as connection:
            await create_workflow_event(connection, adw_id=workflow.adw_id, event_type=EventType.WORKFLOW_UPDATED)
        await eventually(lambda: len(woken) > count)

    await write()
    count = len(woken)
    await kill(database, first)
    await eventually(lambda: len(woken) > count)
    assert await eventually(lambda: scalar(database, LISTENERS)) != first
    await write()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_announcements_survive_a_database_that_is_away_for_a_moment(database, database_url, eventually):
    pid = await scalar(database, "SELECT pg_backend_pid()")
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as killer:
        await killer.execute("SELECT pg_terminate_backend(%s)", [pid])
        await killer.execute(f"LISTEN {CHANNEL}")
        database.notifier.mark([])
        database.notifier.mark(["0a1b2c3d"])
        await database.notifier.close()
        database.notifier.mark(["0a1b2c3e"])
        await database.notifier.close()
        async for notice in killer.notifies(timeout=20):
            if notice.payload == "0a1b2c3e":
                return
    pytest.fail("what was announced after that was not heard")


async def test_a_lock_is_held_by_one_at_a_time_across_processes(database, database_url):
    other = Database(database_url, pool_size=2)
    running, most = 0, 0

    async def work(which):
        nonlocal running, most
        async with advisory_lock(which, "adw.test"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work(which) for _ in range(4) for which in (database, other)))
    assert most == 1
    async with advisory_lock(database, "adw.test"), advisory_lock(other, "adw.another"):
        pass
    await other.close()


async def test_a_lock_is_free_again_when_its_holder_fails_is_cancelled_or_dies(database, database_url, eventually):
    other = Database(database_url, pool_size=2)
    held = asyncio.Event()

    async def hold(how=None):
        async with advisory_lock(other, "adw.test"):
            held.set()
            if how:
                raise how
            await asyncio.Event().wait()

    async def is_free():
        async with asyncio.timeout(10), advisory_lock(database, "adw.test"):
            return True

    with pytest.raises(RuntimeError):
        await hold(RuntimeError())
    assert await is_free()

    held.clear()
    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_free()

    held.clear()
    task = asyncio.create_task(hold())
    await held.wait()
    await kill(database, await scalar(database, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"))
    assert await is_free()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await other.close()


async def test_a_transaction_that_stands_still_loses_its_locks(database, database_url, make_workflow):
    workflow = await make_workflow()
    stalled = Database(database_url, stall_s=0.2)

    async def stand_still():
        async with stalled.begin() as connection:
            await lock_workflow(connection, workflow.adw_id)
            async with asyncio.timeout(10), database.begin() as other:
                await lock_workflow(other, workflow.adw_id)

    with pytest.raises(DatabaseError):
        await stand_still()
    await stalled.close()


async def test_a_lock_is_kept_for_as_long_as_its_holder_runs(database, database_url):
    slow = Database(database_url, stall_s=0.2)
    async with advisory_lock(slow, "adw.test"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), advisory_lock(database, "adw.test"):
                pass
    async with asyncio.timeout(10), advisory_lock(database, "adw.test"):
        pass
    await slow.close()


async def test_a_lock_that_was_awaited_in_vain_is_not_left_behind(database, database_url):
    other = Database(database_url, pool_size=2)

    async def wait():
        async with advisory_lock(other, "adw.test"):
            pass

    async with advisory_lock(database, "adw.test"):
        tasks = [asyncio.create_task(wait()) for _ in range(3)]
        done, _ = await asyncio.wait(tasks, timeout=0.05)
        assert not done
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10), advisory_lock(database, "adw.test"):
        pass
    await other.close()


async def test_what_was_written_while_only_looking_is_rolled_back(database, make_workflow):
    workflow = await make_workflow()
    async with database.read() as connection:
        await connection.execute(text("UPDATE adw_workflows SET priority = 9"))
    assert await scalar(database, "SELECT priority FROM adw_workflows") == workflow.priority


async def test_a_connection_lost_in_a_transaction_is_a_database_error_and_the_next_one_works(database):
    async def lose():
        async with database.begin() as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await kill(database, pid)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseError) as lost:
        await lose()
    assert "DATABASE_URL" in (lost.value.hint or "")
    assert await scalar(database, "SELECT 1") == 1


@pytest.mark.parametrize("url", ["sqlite:///adw.db", "mysql://ann:secret@host/adw", "adw", ""])
def test_other_databases_are_refused_by_name_without_their_password(url):
    with pytest.raises(ConfigurationError) as refused:
        driver_url(url)
    assert "DATABASE_URL" in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_usual_way_to_write_the_scheme_is_understood(scheme):
    assert driver_url(f"{scheme}://ann@host/adw") == "postgresql+psycopg://ann@host/adw"


async def test_an_unreachable_database_is_named_without_its_password():
    for url in (
        "postgresql://ann:secret@127.0.0.1:1/adw",
        "postgresql://ann@127.0.0.1:1/adw?password=secret&connect_timeout=2",
    ):
        database = Database(url)
        with pytest.raises(DatabaseError) as away:
            async with database.read():
                pass
        assert "127.0.0.1:1/adw" in away.value.message
        assert "secret" not in away.value.message
        await database.close()
