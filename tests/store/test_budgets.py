from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.conftest import DatabaseServer

from adw.domain.budget import BudgetScope, Claim, Refusal, Reservation, Settlement
from adw.kit.errors import NotFoundError
from adw.store import budgets, usage
from adw.store.db import driver_url

PER_TOKEN = Decimal("0.00001")
PROJECT, OTHER = "p1", "p2"
MINE, SIBLING, STRANGER = "0000000a", "0000000b", "0000000c"
SCOPES = tuple(scope for scope in BudgetScope if scope is not BudgetScope.WORKFLOW)


@pytest.fixture(scope="session")
def budgets_url(database_server: DatabaseServer) -> str:
    return driver_url(database_server.url_of(database_server.copy()))


@pytest.fixture
async def engine(budgets_url: str) -> AsyncIterator[AsyncEngine]:
    """Two workflows of one project and one of another."""
    engine = create_async_engine(budgets_url, pool_size=10, max_overflow=10)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE budgets, model_requests, workflow_budgets, projects CASCADE"))
        for name in (PROJECT, OTHER):
            query = (
                "INSERT INTO projects (id, name, forge, source, base_branch) VALUES (:id, :id, 'local', :id, 'main')"
            )
            await connection.execute(text(query), {"id": name})
        for adw_id, project in ((MINE, PROJECT), (SIBLING, PROJECT), (STRANGER, OTHER)):
            query = (
                "INSERT INTO adw_workflows (adw_id, project_id, workflow_type, phases, issue_title, issue_body,"
                " base_branch, base_sha) VALUES (:id, :project, 'plan', '{plan}', '', '', 'main', 'c0')"
            )
            await connection.execute(text(query), {"id": adw_id, "project": project})
            await usage.set_budget(connection, adw_id, budget_usd=None)
    yield engine
    await engine.dispose()


def claim(adw_id: str = MINE, **fields: Any) -> Claim:
    """Two cents of input and, at most, two cents of output."""
    known = {"agent_run_id": "run", "phase": "build", "attempt": 1, "role": "implementor", "model": "m"}
    amounts = {"max_tokens": 2000, "input_usd": Decimal("0.02"), "output_usd_per_token": PER_TOKEN}
    return Claim(**(known | amounts | {"id": uuid4(), "adw_id": adw_id, "stream": True} | fields))


async def set_budget(engine: AsyncEngine, scope: BudgetScope, usd: str, *, by: str | None = "ada") -> Any:
    project = None if scope.is_global else PROJECT
    async with engine.begin() as connection:
        return await budgets.set_shared_budget(
            connection, scope, project_id=project, budget_usd=Decimal(usd), set_by=by
        )


async def budget(engine: AsyncEngine, scope: BudgetScope) -> Any:
    async with engine.connect() as connection:
        project = None if scope.is_global else PROJECT
        return await budgets.shared_budget(connection, scope, project_id=project)


async def amounts(engine: AsyncEngine, scope: BudgetScope) -> tuple[Decimal, Decimal]:
    found = await budget(engine, scope)
    return found.spent_usd, found.held_usd


def settled(usd: str) -> Settlement:
    return Settlement(state="settled", cost_usd=Decimal(usd))


@pytest.mark.parametrize("scope", SCOPES)
async def test_every_scope_bounds_the_workflows_it_is_for_and_is_named_by_the_refusal(engine, scope):
    await set_budget(engine, scope, "0.05")
    book = usage.UsageBook(engine)

    first = await book.reserve(claim(MINE))
    second = await book.reserve(claim(SIBLING))
    third = await book.reserve(claim(STRANGER))

    assert first == Reservation(max_tokens=2000, reserved_usd=Decimal("0.04"))
    refused = Refusal(reason="budget", remaining_usd=Decimal("0.01"), scope=scope, needed_usd=Decimal("0.03024"))
    assert second == replace(refused, held_usd=Decimal("0.04"))
    assert second.may_pass
    assert isinstance(third, Refusal) == scope.is_global
    assert await amounts(engine, scope) == (0, Decimal("0.04"))


async def test_the_tightest_budget_is_the_one_that_refuses_or_shortens(engine):
    await set_budget(engine, BudgetScope.GLOBAL_TOTAL, "5")
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "0.035")
    book = usage.UsageBook(engine)

    assert await book.reserve(claim()) == Reservation(max_tokens=1500, reserved_usd=Decimal("0.035"))

    assert await amounts(engine, BudgetScope.GLOBAL_TOTAL) == (0, Decimal("0.035"))
    refused = await book.reserve(claim(SIBLING))
    assert isinstance(refused, Refusal)
    assert refused.scope is BudgetScope.PROJECT_MONTH


async def test_two_workers_at_once_never_overspend_any_scope(engine):
    """A budget each, all tight in their own way; the books agree in the end."""
    await set_budget(engine, BudgetScope.GLOBAL_MONTH, "0.5")
    await set_budget(engine, BudgetScope.PROJECT_TOTAL, "0.3")
    books = [usage.UsageBook(engine), usage.UsageBook(engine)]
    asked = [claim((MINE, SIBLING, STRANGER)[number % 3]) for number in range(24)]

    answers = await asyncio.gather(*(books[number % 2].reserve(each) for number, each in enumerate(asked)))

    granted = [pair for pair in zip(asked, answers, strict=True) if isinstance(pair[1], Reservation)]
    of_project = sum(answer.reserved_usd for each, answer in granted if each.adw_id != STRANGER)
    in_all = sum(answer.reserved_usd for _, answer in granted)
    assert await amounts(engine, BudgetScope.PROJECT_TOTAL) == (0, of_project)
    assert await amounts(engine, BudgetScope.GLOBAL_MONTH) == (0, in_all)
    assert of_project <= Decimal("0.3")
    assert Decimal("0.45") < in_all <= Decimal("0.5")
    await asyncio.gather(
        *(book.settle(each.id, adw_id=each.adw_id, settlement=settled("0.01")) for book in books for each, _ in granted)
    )
    assert await amounts(engine, BudgetScope.GLOBAL_MONTH) == (len(granted) * Decimal("0.01"), 0)


async def test_what_was_spent_before_counts_and_what_is_open_is_held(engine):
    book = usage.UsageBook(engine)
    done, still_open, elsewhere = claim(), claim(), claim(STRANGER)
    for each in (done, still_open, elsewhere):
        await book.reserve(each)
    await book.settle(done.id, adw_id=MINE, settlement=settled("0.01"))

    for scope in SCOPES:
        found = await set_budget(engine, scope, "1")
        held = Decimal("0.08") if scope.is_global else Decimal("0.04")
        assert (found.spent_usd, found.held_usd, found.set_by) == (Decimal("0.01"), held, "ada")

    await book.settle(still_open.id, adw_id=MINE, settlement=settled("0.02"))
    assert await amounts(engine, BudgetScope.PROJECT_MONTH) == (Decimal("0.03"), 0)
    assert await amounts(engine, BudgetScope.GLOBAL_MONTH) == (Decimal("0.03"), Decimal("0.04"))


async def test_setting_a_budget_beside_running_requests_counts_each_of_them_once(engine):
    book = usage.UsageBook(engine)

    async def one() -> None:
        asked = claim()
        await book.reserve(asked)
        await book.settle(asked.id, adw_id=MINE, settlement=settled("0.01"))

    running = asyncio.gather(*(one() for _ in range(20)))
    await set_budget(engine, BudgetScope.PROJECT_TOTAL, "100")
    await running

    assert await amounts(engine, BudgetScope.PROJECT_TOTAL) == (Decimal("0.20"), 0)


async def test_a_new_month_begins_with_nothing_and_old_requests_stay_in_theirs(engine):
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "0.05")
    await set_budget(engine, BudgetScope.PROJECT_TOTAL, "1")
    book = usage.UsageBook(engine)
    old = claim()
    await book.reserve(old)
    async with engine.begin() as connection:
        back = "period_start = period_start - interval '1 month', warned_at = now()"
        await connection.execute(text(f"UPDATE budgets SET {back} WHERE period = 'month'"))
        await connection.execute(text("UPDATE model_requests SET started_at = started_at - interval '1 month'"))
    assert (await budget(engine, BudgetScope.PROJECT_MONTH)).left_usd == Decimal("0.05")

    assert isinstance(await book.reserve(claim()), Reservation)
    await book.settle(old.id, adw_id=MINE, settlement=settled("0.03"))

    assert await amounts(engine, BudgetScope.PROJECT_MONTH) == (0, Decimal("0.04"))
    assert await amounts(engine, BudgetScope.PROJECT_TOTAL) == (Decimal("0.03"), Decimal("0.04"))
    assert not (await budget(engine, BudgetScope.PROJECT_MONTH)).warned


async def test_orphans_are_booked_in_full_in_every_scope(engine):
    for scope in SCOPES:
        await set_budget(engine, scope, "1")
    book = usage.UsageBook(engine)
    for _ in range(2):
        await book.reserve(claim())
    await book.reserve(claim(SIBLING))

    async with engine.begin() as connection:
        assert await usage.book_orphans(connection, adw_id=MINE) == 2

    for scope in SCOPES:
        assert await amounts(engine, scope) == (Decimal("0.08"), Decimal("0.04"))


async def test_each_scope_warns_once_and_again_after_a_raise(engine):
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "0.1")
    await set_budget(engine, BudgetScope.GLOBAL_TOTAL, "10")
    book = usage.UsageBook(engine)

    async def spend(usd: str) -> list[tuple[BudgetScope, Decimal]]:
        asked = claim(input_usd=Decimal(0), max_tokens=1)
        await book.reserve(asked)
        warnings = await book.settle(asked.id, adw_id=MINE, settlement=settled(usd))
        return [(warning.scope, warning.spent_usd) for warning in warnings]

    assert await spend("0.079") == []
    assert await spend("0.001") == [(BudgetScope.PROJECT_MONTH, Decimal("0.08"))]
    assert await spend("0.01") == []
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "0.11")
    assert await spend("0.01") == [(BudgetScope.PROJECT_MONTH, Decimal("0.1"))]


async def test_a_model_without_a_price_has_no_room_in_any_budget(engine):
    await set_budget(engine, BudgetScope.GLOBAL_MONTH, "1")

    answer = await usage.UsageBook(engine).reserve(claim(input_usd=None, output_usd_per_token=None))

    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.scope) == ("unpriced_model", BudgetScope.GLOBAL_MONTH)


async def test_the_file_sets_the_month_until_a_person_does(engine):
    async def follow(usd: str | None) -> Any:
        async with engine.begin() as connection:
            await budgets.follow_file(connection, PROJECT, month_usd=None if usd is None else Decimal(usd))
        found = await budget(engine, BudgetScope.PROJECT_MONTH)
        return None if found is None else (found.budget_usd, found.set_by)

    assert await follow(None) is None
    assert await follow("10") == (10, None)
    assert await follow("20") == (20, None)
    assert await follow(None) is None
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "5")
    assert await follow("30") == (5, "ada")
    assert await follow(None) == (5, "ada")


async def test_a_budget_that_is_cleared_bounds_nothing(engine):
    await set_budget(engine, BudgetScope.GLOBAL_MONTH, "0")
    book = usage.UsageBook(engine)
    assert isinstance(await book.reserve(claim()), Refusal)

    async with engine.begin() as connection:
        await budgets.clear_shared_budget(connection, BudgetScope.GLOBAL_MONTH, project_id=None)
        with pytest.raises(NotFoundError, match="there is no budget of this month for all projects"):
            await budgets.clear_shared_budget(connection, BudgetScope.GLOBAL_MONTH, project_id=None)
        assert await budgets.list_shared_budgets(connection) == []

    assert isinstance(await book.reserve(claim()), Reservation)


async def test_room_is_looked_for_in_all_budgets_that_bound_a_workflow(engine):
    await set_budget(engine, BudgetScope.GLOBAL_TOTAL, "1")
    await set_budget(engine, BudgetScope.PROJECT_MONTH, "0.03")
    book = usage.UsageBook(engine)

    assert [await book.has_room(each, needed_usd=Decimal("0.04")) for each in (MINE, STRANGER)] == [False, True]
    assert await book.has_room(MINE, needed_usd=Decimal("0.03"))
