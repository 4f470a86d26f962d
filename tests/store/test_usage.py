from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from tests.conftest import DatabaseServer

from adw.domain.budget import Claim, Refusal, Reservation, Settlement
from adw.domain.usage import Tokens, Usage
from adw.kit.errors import UsageError
from adw.store import usage
from adw.store.db import driver_url
from adw.store.tables.usage import model_requests, workflow_budgets

PER_TOKEN = Decimal("0.00001")


@pytest.fixture(scope="session")
def usage_url(database_server: DatabaseServer) -> str:
    return driver_url(database_server.url_of(database_server.copy()))


@pytest.fixture
async def usage_engine(usage_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(usage_url, pool_size=10, max_overflow=10)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(usage_engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with usage_engine.connect() as connection:
        yield connection


@pytest.fixture
def adw_id() -> str:
    return uuid4().hex[:8]


def claim(adw_id: str, **fields: Any) -> Claim:
    """Two cents of input and, at most, two cents of output."""
    known = {
        "id": uuid4(),
        "adw_id": adw_id,
        "agent_run_id": "run",
        "phase": "build",
        "attempt": 1,
        "role": "implementor",
        "model": "m",
        "stream": True,
        "max_tokens": 2000,
        "input_usd": Decimal("0.02"),
        "output_usd_per_token": PER_TOKEN,
    }
    return Claim(**(known | fields))


def refusal(left: str, *, needed: str) -> Refusal:
    return Refusal(reason="budget", remaining_usd=Decimal(left), needed_usd=Decimal(needed))


async def booked(connection: AsyncConnection, claimed: Claim, **fields: Any) -> Settlement:
    """Reserves and settles; half a cent unless told otherwise."""
    known: dict[str, Any] = {"state": "settled", "cost_usd": Decimal("0.005"), "tokens": Tokens(input=10, output=5)}
    settlement = Settlement(**(known | fields))
    assert isinstance(await usage.reserve(connection, claimed), Reservation)
    await usage.settle(connection, claimed.id, adw_id=claimed.adw_id, settlement=settlement)
    return settlement


async def row_of(connection: AsyncConnection, claimed: Claim) -> Any:
    return (await connection.execute(select(model_requests).where(model_requests.c.id == claimed.id))).one()


async def account(connection: AsyncConnection, adw_id: str) -> Any:
    return (await connection.execute(select(workflow_budgets).where(workflow_budgets.c.adw_id == adw_id))).one()


async def test_a_workflow_without_a_budget_has_no_remainder_and_reserves_in_full(connection, adw_id):
    assert await usage.remaining(connection, adw_id) is None

    reservation = await usage.reserve(connection, claim(adw_id))

    assert reservation == Reservation(max_tokens=2000, reserved_usd=Decimal("0.04"))
    assert await usage.remaining(connection, adw_id) is None
    assert (await account(connection, adw_id)).held_usd == Decimal("0.04")


async def test_a_reservation_is_taken_off_the_remainder_until_it_is_settled(connection, adw_id):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(1))
    asked = claim(adw_id)
    await usage.reserve(connection, asked)
    assert await usage.remaining(connection, adw_id) == Decimal("0.96")

    done = Settlement(state="settled", cost_usd=Decimal("0.005"), tokens=Tokens(input=1))
    await usage.settle(connection, asked.id, adw_id=adw_id, settlement=done)

    assert await usage.remaining(connection, adw_id) == Decimal("0.995")
    row = await row_of(connection, asked)
    assert (row.state, row.cost_usd, row.reserved_usd) == ("settled", Decimal("0.005"), Decimal("0.04"))
    assert row.ended_at >= row.started_at


async def test_settling_twice_changes_nothing(connection, adw_id):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(1))
    asked = claim(adw_id)
    settlement = await booked(connection, asked)

    assert await usage.settle(connection, asked.id, adw_id=adw_id, settlement=settlement) == []

    assert await usage.remaining(connection, adw_id) == Decimal("0.995")


@pytest.mark.parametrize(
    ("budget", "wanted", "expected"),
    [
        ("0.04", 2000, Reservation(max_tokens=2000, reserved_usd=Decimal("0.04"))),
        ("0.039995", 2000, Reservation(max_tokens=1999, reserved_usd=Decimal("0.03999"))),
        ("0.03024", 2000, Reservation(max_tokens=1024, reserved_usd=Decimal("0.03024"))),
        ("0.030239", 2000, refusal("0.030239", needed="0.03024")),
        ("0.03", 1000, Reservation(max_tokens=1000, reserved_usd=Decimal("0.03"))),
        ("0.029999", 1000, refusal("0.029999", needed="0.03")),
        ("0", 2000, refusal("0", needed="0.03024")),
    ],
)
async def test_what_a_budget_allows(connection, adw_id, budget, wanted, expected):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(budget))
    asked = claim(adw_id, max_tokens=wanted)

    assert await usage.reserve(connection, asked) == expected

    row = await row_of(connection, asked)
    held = (await account(connection, adw_id)).held_usd
    if isinstance(expected, Refusal):
        assert (row.state, row.refusal, row.cost_usd, held) == ("refused", "budget", 0, 0)
    else:
        assert (row.state, row.max_tokens, row.reserved_usd, held) == (
            "reserved",
            expected.max_tokens,
            expected.reserved_usd,
            expected.reserved_usd,
        )


@pytest.mark.parametrize("budget", [None, "1", "0.04", "0.039999", "0.01"])
async def test_the_short_way_grants_exactly_what_the_long_one_would_grant_in_full(connection, adw_id, budget):
    await usage.set_budget(connection, adw_id, budget_usd=None if budget is None else Decimal(budget))
    asked = claim(adw_id)

    answer = await usage.reserve_at_once(connection, asked)

    if budget in {None, "1", "0.04"}:
        assert answer == Reservation(max_tokens=2000, reserved_usd=Decimal("0.04"))
        assert (await row_of(connection, asked)).reserved_usd == Decimal("0.04")
        assert (await account(connection, adw_id)).held_usd == Decimal("0.04")
    else:
        assert answer is None
        assert (await account(connection, adw_id)).held_usd == 0


async def test_the_short_way_leaves_everything_unusual_to_the_long_one(connection, adw_id):
    assert await usage.reserve_at_once(connection, claim(adw_id)) is None, "no account yet"
    await usage.set_budget(connection, adw_id, budget_usd=None)
    assert await usage.reserve_at_once(connection, claim(adw_id, budget_usd=Decimal(1))) is None, "budget to be set"
    unpriced = claim(adw_id, input_usd=None, output_usd_per_token=None)
    assert await usage.reserve_at_once(connection, unpriced) == Reservation(max_tokens=2000, reserved_usd=None)
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(1))
    unpriced = claim(adw_id, input_usd=None, output_usd_per_token=None)
    assert await usage.reserve_at_once(connection, unpriced) is None, "to be refused"
    assert await usage.reserve(connection, unpriced) == Refusal(reason="unpriced_model", remaining_usd=Decimal(1))


async def test_the_budget_of_a_claim_is_taken_on_by_an_account_without_one_and_never_replaces_another(
    connection, adw_id
):
    await usage.set_budget(connection, adw_id, budget_usd=None)

    await usage.reserve(connection, claim(adw_id, budget_usd=Decimal(1)))
    await usage.reserve(connection, claim(adw_id, budget_usd=Decimal(9)))

    assert (await account(connection, adw_id)).budget_usd == 1


async def test_parallel_reservations_never_exceed_the_budget(usage_engine, adw_id):
    async with usage_engine.begin() as connection:
        await usage.set_budget(connection, adw_id, budget_usd=Decimal("0.5"))
    book = usage.UsageBook(usage_engine)

    answers = await asyncio.gather(*(book.reserve(claim(adw_id)) for _ in range(16)))

    held = sum(answer.reserved_usd for answer in answers if isinstance(answer, Reservation))
    async with usage_engine.connect() as connection:
        assert (await account(connection, adw_id)).held_usd == held
    assert held == Decimal("0.48")
    assert sum(isinstance(answer, Refusal) for answer in answers) == 4


async def test_parts_of_an_account_never_exceed_the_whole_of_it_and_are_booked_on_both(usage_engine, adw_id):
    whole, parts = f"whole-{adw_id}", [f"{adw_id}-{n}" for n in range(2)]
    async with usage_engine.begin() as connection:
        await usage.set_budget(connection, whole, budget_usd=Decimal("0.22"))
        for part, budget in zip(parts, ("1", "0.08"), strict=True):
            await usage.open_part(connection, part, of=whole, budget_usd=Decimal(budget))
    book = usage.UsageBook(usage_engine)
    asked = [claim(part) for part in parts for _ in range(5)]

    answers = await asyncio.gather(*(book.reserve(each) for each in asked))

    granted = [each for each, answer in zip(asked, answers, strict=True) if isinstance(answer, Reservation)]
    assert 4 <= len(granted) <= 5, "the small part holds two of its own, and both together what the whole has"
    settled = Settlement(state="settled", cost_usd=Decimal("0.01"))
    await book.settle(granted[0].id, adw_id=granted[0].adw_id, settlement=settled)
    async with usage_engine.begin() as connection:
        for part in parts:
            await usage.book_orphans(connection, adw_id=part)
    async with usage_engine.connect() as connection:
        spent = [(await account(connection, part)).spent_usd for part in parts]
        found = await account(connection, whole)
        assert (found.spent_usd, found.held_usd) == (sum(spent), 0)
        assert spent[1] <= Decimal("0.08")
        assert found.spent_usd == Decimal("0.01") + (len(granted) - 1) * Decimal("0.04")


async def test_parallel_first_requests_open_one_account(usage_engine, adw_id):
    book = usage.UsageBook(usage_engine)
    asked = [claim(adw_id, budget_usd=Decimal(1)) for _ in range(8)]

    answers = await asyncio.gather(*(book.reserve(each) for each in asked))
    settled = Settlement(state="settled", cost_usd=Decimal("0.01"))
    await asyncio.gather(*(book.settle(each.id, adw_id=adw_id, settlement=settled) for each in asked))

    assert all(isinstance(answer, Reservation) for answer in answers)
    async with usage_engine.connect() as connection:
        found = await account(connection, adw_id)
        assert (found.budget_usd, found.spent_usd, found.held_usd) == (1, Decimal("0.08"), 0)


async def test_a_raise_must_be_one(connection, adw_id):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal("0.04"))
    await booked(connection, claim(adw_id), cost_usd=Decimal("0.07"))

    for too_little in ("0.03", "0.04", "0.07"):
        with pytest.raises(UsageError) as caught:
            await usage.raise_budget(connection, adw_id, to_usd=Decimal(too_little))
        assert caught.value.hint == "name an amount above 0.070000 USD"
    await usage.raise_budget(connection, adw_id, to_usd=Decimal("0.1"))

    assert await usage.remaining(connection, adw_id) == Decimal("0.03")


async def test_each_budget_is_warned_of_once(connection, adw_id):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal("0.1"))

    async def spend(cost_usd: str) -> Any:
        asked = claim(adw_id, input_usd=Decimal(0), max_tokens=1)
        await usage.reserve(connection, asked)
        settlement = Settlement(state="settled", cost_usd=Decimal(cost_usd))
        return await usage.settle(connection, asked.id, adw_id=adw_id, settlement=settlement)

    assert await spend("0.079") == []
    [warning] = await spend("0.001")
    assert (warning.spent_usd, warning.budget_usd) == (Decimal("0.08"), Decimal("0.1"))
    assert await spend("0.01") == []
    await usage.raise_budget(connection, adw_id, to_usd=Decimal(1))
    assert await spend("0.01") == []
    assert [warning.spent_usd for warning in await spend("0.7")] == [Decimal("0.8")]


async def test_usage_is_summed_for_the_workflow_and_for_each_phase(connection, adw_id):
    await booked(connection, claim(adw_id, phase="plan"))
    await booked(connection, claim(adw_id), tokens=Tokens(input=1, output=2, cache_write=3, cache_read=4))
    await booked(connection, claim(adw_id), state="failed", cost_usd=Decimal(0), tokens=Tokens(), status=529)
    await booked(connection, claim("ffffffff"))
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(0))
    await usage.reserve(connection, claim(adw_id))  # refused, so not a request

    plan = Usage(requests=1, tokens=Tokens(input=10, output=5), cost_usd=Decimal("0.005"))
    build = Usage(requests=2, tokens=Tokens(input=1, output=2, cache_write=3, cache_read=4), cost_usd=Decimal("0.005"))
    assert await usage.usage_by_phase(connection, adw_id) == {"plan": plan, "build": build}
    assert await usage.usage_of_workflow(connection, adw_id) == plan + build


async def test_a_workflow_that_asked_nothing_used_nothing(connection, adw_id):
    assert await usage.usage_of_workflow(connection, adw_id) == Usage()
    assert await usage.usage_by_phase(connection, adw_id) == {}


async def test_one_unknown_cost_makes_the_sum_unknown_and_never_zero(connection, adw_id):
    await booked(connection, claim(adw_id))
    await booked(connection, claim(adw_id, input_usd=None, output_usd_per_token=None), cost_usd=None)

    total = await usage.usage_of_workflow(connection, adw_id)

    assert (total.requests, total.cost_usd) == (2, None)


async def test_open_requests_count_with_what_they_reserved(connection, adw_id):
    await usage.reserve(connection, claim(adw_id))

    assert (await usage.usage_of_workflow(connection, adw_id)).cost_usd == Decimal("0.04")


async def test_orphans_become_cost_in_full(connection, adw_id):
    await usage.set_budget(connection, adw_id, budget_usd=Decimal(1))
    for _ in range(2):
        await usage.reserve(connection, claim(adw_id))

    assert await usage.book_orphans(connection, adw_id=adw_id) == 2

    found = await account(connection, adw_id)
    assert (found.spent_usd, found.held_usd) == (Decimal("0.08"), 0)
    assert await usage.remaining(connection, adw_id) == Decimal("0.92")


async def test_a_late_settlement_of_an_orphan_changes_nothing(connection, adw_id):
    asked = claim(adw_id)
    await usage.reserve(connection, asked)
    await usage.book_orphans(connection, adw_id=adw_id)

    late = Settlement(state="settled", cost_usd=Decimal("0.001"))
    await usage.settle(connection, asked.id, adw_id=adw_id, settlement=late)

    assert (await row_of(connection, asked)).cost_usd == Decimal("0.04")
    assert (await account(connection, adw_id)).held_usd == 0


@pytest.mark.parametrize(
    "wrong",
    [{"state": "lost"}, {"refusal": "mood"}, {"state": "refused", "ended_at": None}, {"state": "settled"}],
)
async def test_the_table_refuses_rows_that_make_no_sense(connection, adw_id, wrong):
    asked = claim(adw_id)
    await usage.reserve(connection, asked)

    with pytest.raises(IntegrityError):
        await connection.execute(model_requests.update().where(model_requests.c.id == asked.id).values(**wrong))
