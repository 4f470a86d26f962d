from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from tests.conftest import PROJECT, Eventually, MakeWorkflow

from adw.kit.errors import ForgeError
from adw.store.db import Database
from adw.store.watches import Watch, release, wake_watches
from adw.store.workflows import update_workflow
from adw.worker.watcher import Watcher, keep_watching
from adw.worker.watching import Watching


class Looks:
    """Notes what is looked at and puts it back for later; the forge may be away."""

    def __init__(self, database: Database, *, fails: bool = False) -> None:
        self._database = database
        self._fails = fails
        self.seen: list[str] = []

    async def look(self, watch: Watch) -> None:
        self.seen.append(watch.adw_id)
        if self._fails:
            raise ForgeError("the forge is away")
        async with self._database.begin() as connection:
            await release(connection, watch, after_s=600)


@pytest.fixture
async def offered(database: Database, make_workflow: MakeWorkflow) -> str:
    made = await make_workflow()
    async with database.begin() as connection:
        await update_workflow(connection, made.adw_id, changes={"pr_number": 2, "pr_state": "ready"})
    return made.adw_id


async def test_each_due_pull_request_is_looked_at_once(database: Database, offered: str):
    looks = Looks(database)
    watcher = Watcher(database, cast("Watching", looks))
    assert [await watcher.look_once() for _ in range(2)] == [True, False]
    assert looks.seen == [offered]


async def test_a_forge_that_is_away_only_delays_the_next_look(database: Database, offered: str):
    watcher = Watcher(database, cast("Watching", Looks(database, fails=True)))
    assert [await watcher.look_once() for _ in range(2)] == [True, False]
    async with database.read() as connection:
        found: Any = (await connection.exec_driver_sql("SELECT claim, quiet FROM adw_watches")).one()
    assert tuple(found) == (None, 1)


async def test_a_wake_up_lets_a_look_come_at_once_and_what_older_programs_opened_is_found(
    database: Database, offered: str, eventually: Eventually
):
    async with database.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM adw_watches")
    looks = Looks(database)
    watching = asyncio.create_task(keep_watching(database, cast("Watching", looks)))
    await eventually(lambda: looks.seen == [offered])

    async def is_put_back() -> bool:
        async with database.read() as connection:
            return (await connection.exec_driver_sql("SELECT claim FROM adw_watches")).scalar_one() is None

    await eventually(is_put_back)
    async with database.begin() as connection:
        await wake_watches(connection, project_id=PROJECT, pr_number=2)
    await eventually(lambda: looks.seen == [offered] * 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
