"""What is kept of GitHub: answers and budgets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from adw.domain.rates import Cost, RateLimits
from adw.store.db import Connection, Database
from adw.store.github_budget import budget_of, note_allowance, note_hold, take_turn
from adw.store.github_cache import MOST_BYTES, KeptAnswer, keep_answer, kept_answer, note_use, prune_answers

ONE = {"credential": "c1", "resource": "core"}
LIMITS = RateLimits(points_per_minute=20, writes_per_minute=20, writes_per_hour=1000)


async def test_an_answer_is_kept_for_its_credential_only(database: Database):
    answer = KeptAnswer(etag='"a"', body=b"[1]", link="<x>; rel=next")
    async with database.begin() as connection:
        await keep_answer(connection, KeptAnswer(etag='"old"', body=b"[]"), credential="c1", request="r")
        await keep_answer(connection, answer, credential="c1", request="r")
        assert await kept_answer(connection, credential="c1", request="r") == answer
        assert await kept_answer(connection, credential="c2", request="r") is None
        assert await kept_answer(connection, credential="c1", request="other") is None


async def test_an_answer_that_is_too_long_is_not_kept(database: Database):
    async with database.begin() as connection:
        await keep_answer(
            connection, KeptAnswer(etag='"a"', body=b"x" * (MOST_BYTES + 1)), credential="c1", request="r"
        )
        assert await kept_answer(connection, credential="c1", request="r") is None


async def test_what_was_not_used_longest_is_forgotten_first(database: Database):
    async with database.begin() as connection:
        for name in ("a", "b", "c", "d"):
            await keep_answer(connection, KeptAnswer(etag=name, body=b"1"), credential="c1", request=name)
        await _age(connection, "d", days=20)
        await _age(connection, "a", days=1)
        await _age(connection, "b", days=2)
        await note_use(connection, credential="c1", request="b")
        assert await prune_answers(connection, most=2) == 2
        kept = [name for name in "abcd" if await kept_answer(connection, credential="c1", request=name)]
    assert kept == ["b", "c"]


async def test_all_processes_share_one_budget(database: Database):
    async def ask() -> float:
        async with database.begin() as connection:
            return (await take_turn(connection, **ONE, cost=Cost(points=1), limits=LIMITS)).wait_s

    waits = await asyncio.gather(*(ask() for _ in range(15)))
    assert sorted(wait == 0 for wait in waits) == [False] * 5 + [True] * 10
    assert all(0 < wait <= 6.1 for wait in waits if wait)


async def test_what_github_says_is_left_is_believed(database: Database):
    resets_at = datetime.now(UTC) + timedelta(seconds=300)
    async with database.begin() as connection:
        await note_allowance(connection, **ONE, allowance=60, remaining=0, resets_at=resets_at)
        turn = await take_turn(connection, **ONE, cost=Cost(), limits=LIMITS)
        other = await take_turn(connection, credential="c1", resource="graphql", cost=Cost(), limits=LIMITS)
        await note_allowance(connection, **ONE, allowance=60, remaining=59, resets_at=resets_at)
        after = await take_turn(connection, **ONE, cost=Cost(), limits=LIMITS)
        budget = await budget_of(connection, **ONE)
    assert 290 < turn.wait_s <= 300
    assert abs((turn.until - resets_at).total_seconds()) < 1
    assert (other.wait_s, after.wait_s) == (0, 0)
    assert (budget.allowance, budget.remaining, budget.points) == (60, 59, 1)


async def test_a_hold_is_known_to_everybody(database: Database):
    async with database.begin() as connection:
        until = await note_hold(connection, **ONE, for_s=30)
    async with database.begin() as connection:
        turn = await take_turn(connection, **ONE, cost=Cost(), limits=LIMITS)
    assert until is not None
    assert 28 < turn.wait_s <= 30


async def _age(connection: Connection, request: str, *, days: int) -> None:
    statement = "UPDATE github_answers SET used_at = used_at - make_interval(days => :days) WHERE request = :request"
    await connection.execute(text(statement), {"days": days, "request": request})
