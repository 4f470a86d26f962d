"""A worker that a migration left behind notices it while it runs."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from adw.kit.errors import ConflictError
from adw.store.migrations import HEAD, IncompatibleDatabaseError, MigrationStatus, check_compatible, migrate
from adw.store.revision import min_compatible
from adw.worker.outdated import until_outdated


async def need(database, revision):
    async with database.begin() as connection:
        await connection.execute(text("UPDATE adw_meta SET value = :r WHERE key = 'min_compatible'"), {"r": revision})


async def test_it_goes_on_while_newer_code_leaves_what_it_needs(database):
    await need(database, "0005")
    looking = asyncio.ensure_future(until_outdated(database, revision="0005", look_s=0.01))
    done, _ = await asyncio.wait([looking], timeout=0.1)
    assert not done
    await need(database, "0006")
    await asyncio.wait_for(looking, timeout=5)
    async with database.read() as connection:
        assert await min_compatible(connection) == "0006"


async def test_started_again_it_refuses_with_a_hint(database, database_url):
    await need(database, "9999")
    with pytest.raises(IncompatibleDatabaseError) as caught:
        await asyncio.to_thread(migrate, database_url)
    assert "upgrade this installation" in str(caught.value.hint)


def test_code_as_old_as_the_oldest_that_may_run_is_welcome_on_a_newer_database():
    check_compatible(MigrationStatus(current="9999", head=HEAD, min_compatible=HEAD))
    with pytest.raises(ConflictError):
        check_compatible(MigrationStatus(current="9999", head="0004", min_compatible="0005"))
