from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from adw.domain.project import ForgeKind
from adw.kit.errors import NotFoundError, UsageError
from adw.store import accounts, projects, usage


async def ensure(database, **changes):
    values = {
        "project_id": "tally-1",
        "name": "tally",
        "forge": ForgeKind.LOCAL,
        "source": "/srv/tally",
        "base_branch": "main",
    }
    async with database.begin() as connection:
        return await projects.ensure_project(connection, **(values | changes))


async def test_a_project_is_made_once_and_follows_its_base(database):
    first = await ensure(database)
    again = await ensure(database, base_branch="dev")
    assert (again.id, again.created_at, again.base_branch) == (first.id, first.created_at, "dev")
    async with database.read() as connection:
        assert await projects.list_projects(connection) == [again]


async def test_many_who_make_the_same_project_at_once_all_get_it(database):
    for number in range(10):
        made = await asyncio.gather(
            *(ensure(database, project_id=f"p-{number}", source=f"/srv/{number}") for _ in range(8))
        )
        assert {each.id for each in made} == {f"p-{number}"}


async def test_a_project_is_found_by_id_name_and_source(database):
    project = await ensure(database)
    async with database.read() as connection:
        for reference in ("tally-1", "tally", "/srv/tally"):
            assert await projects.find_project(connection, reference) == project
        assert await projects.get_project(connection, "tally-1") == project
        for unknown in ("other", "", "a\0"):
            with pytest.raises(NotFoundError):
                await projects.find_project(connection, unknown)
        with pytest.raises(NotFoundError):
            await projects.get_project(connection, "tally")


async def test_a_name_of_two_projects_stands_for_neither(database):
    await ensure(database)
    await ensure(database, project_id="tally-2", source="/home/tally", forge=ForgeKind.GITHUB)
    async with database.read() as connection:
        with pytest.raises(UsageError, match="several"):
            await projects.find_project(connection, "tally")
        assert (await projects.find_project(connection, "/home/tally")).id == "tally-2"


async def test_an_account_is_empty_until_it_has_a_budget(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        empty = await accounts.account_of(connection, workflow.adw_id)
        await usage.set_budget(connection, workflow.adw_id, budget_usd=Decimal("1.5"))
        account = await accounts.account_of(connection, workflow.adw_id)
    assert (empty.budget_usd, empty.booked_usd) == (None, Decimal(0))
    assert account.budget_usd == Decimal("1.5")
    assert accounts.Account(spent_usd=Decimal(1), held_usd=Decimal(2)).booked_usd == Decimal(3)
