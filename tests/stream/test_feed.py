from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.conftest import Eventually, MakeWorkflow

from adw.api.views.events import event_json
from adw.domain.events import EventType, NewEvent
from adw.kit.errors import NotFoundError, UsageError
from adw.store.db import Database
from adw.store.deltas import Writer
from adw.store.events import append_events
from adw.store.feed import parse_position
from adw.stream import Feed, LaggedError, Subscription

_made: list[Feed] = []


def feed_on(database: Database, **more: Any) -> Feed:
    _made.append(Feed(database, encode=event_json, **more))
    return _made[-1]


@pytest.fixture(autouse=True)
async def all_closed(database: Database) -> AsyncIterator[None]:  # before the database is
    yield
    for feed in _made:
        await feed.close()
    _made.clear()


async def write(database: Database, adw_id: str, count: int = 1) -> None:
    async with database.begin() as connection:
        await append_events(connection, adw_id, [NewEvent(type=EventType.AGENT_TEXT, message="x")] * count)


class Follower:
    """Takes whatever it is woken for and notes the places."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.lines: list[str] = []
        self.news = asyncio.Event()
        self.subscription: Subscription[Any] | None = None

    def wake(self, subscription: Subscription[Any]) -> None:
        self.subscription = subscription
        self.news.set()

    async def run(self) -> None:
        while True:
            await self.news.wait()
            self.news.clear()
            assert self.subscription is not None
            while frames := await self.subscription.take():
                self.seen += [frame.at for frame in frames]
                self.lines += [frame.text for frame in frames]


@asynccontextmanager
async def following(join: Callable[[Any], Any]) -> AsyncIterator[Follower]:
    follower = Follower()
    subscription = await join(follower.wake)
    work = asyncio.create_task(follower.run())
    try:
        yield follower
        if work.done():
            await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        subscription.close()


async def test_what_was_written_comes_before_what_is_written(
    database: Database, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    await write(database, adw_id, 130)
    feed = feed_on(database)
    async with following(lambda wake: feed.follow(adw_id, after=5, wake=wake)) as follower:
        await eventually(lambda: follower.seen[-1:] == [131])
        await write(database, adw_id, 70)
        await eventually(lambda: follower.seen[-1:] == [201])
    assert follower.seen == list(range(6, 202))


async def test_without_a_place_only_news_are_told(
    database: Database, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database)
    async with following(lambda wake: feed.follow(adw_id, after=None, wake=wake)) as follower:
        await write(database, adw_id)
        await eventually(lambda: follower.seen)
    assert follower.seen == [2]


async def test_nothing_is_followed_that_does_not_exist(database: Database, make_workflow: MakeWorkflow):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database)
    with pytest.raises(NotFoundError):
        await feed.follow("00000000", after=None, wake=lambda _: None)
    with pytest.raises(UsageError):
        await feed.follow(adw_id, after=2, wake=lambda _: None)
    with pytest.raises(UsageError):
        await feed.follow_all(after=f"{2**60}.{adw_id}.1", wake=lambda _: None)
    for odd in ("", "1", "1.2", "a.b.c", "1.ab.-1", "1.a b.1", "1.ab.1.2.3", f"{2**63}.ab.1", "1.é.1\n"):
        with pytest.raises(UsageError):
            parse_position(odd)
    assert not feed.is_listening


async def test_it_listens_only_while_somebody_follows(database: Database, make_workflow: MakeWorkflow):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database)
    first = await feed.follow(adw_id, after=None, wake=lambda _: None)
    second = await feed.follow_all(after=None, wake=lambda _: None)
    first.close()
    assert feed.is_listening
    second.close()
    assert not feed.is_listening
    assert await first.take() == []


async def test_whoever_does_not_read_lags_and_nobody_else_notices(
    database: Database, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database, max_frames=20)
    idle = await feed.follow(adw_id, after=None, wake=lambda _: None)
    assert await idle.take() == []
    async with following(lambda wake: feed.follow(adw_id, after=None, wake=wake)) as follower:
        for number in range(2, 32):
            await write(database, adw_id)
            await eventually(lambda number=number: follower.seen[-1:] == [number])
        with pytest.raises(LaggedError):
            await idle.take()
        assert (idle.at, idle.is_open) == (1, False)
        async with following(lambda wake: feed.follow(adw_id, after=idle.at, wake=wake)) as again:
            await eventually(lambda: again.seen[-1:] == [31])
    assert follower.seen == again.seen == list(range(2, 32))


async def test_text_being_written_reaches_those_who_follow_its_workflow(
    database: Database, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database)
    heard: list[str] = []
    async with following(lambda wake: feed.follow(adw_id, after=None, wake=wake)) as follower:
        await write(database, adw_id)
        await eventually(lambda: follower.seen)  # it listens
        assert follower.subscription is not None
        writer = Writer(adw_id=adw_id, phase="build", role="implementor")
        for piece in ("Total", "s are", "x\0\ud800" * 1000):
            database.deltas.say(writer, piece)
        database.deltas.say(Writer(adw_id="ffffffff", phase="build", role="implementor"), "not ours")

        def told() -> bool:
            assert follower.subscription is not None
            heard.extend(follower.subscription.take_deltas())
            return len(heard) >= 2

        await eventually(told)
    assert all('"type":"agent_delta"' in line and adw_id in line for line in heard)
    assert "Totals are" in heard[0]
    assert follower.seen == [2]


class Visitor:
    """Comes, takes a little, loses its connection somewhere in it, and goes on elsewhere from where it was."""

    def __init__(self, feeds: list[Feed], chance: random.Random, *, cursor: str) -> None:
        self._feeds = feeds
        self._chance = chance
        self._cursor = cursor
        self.seen: list[str] = []

    async def visit(self) -> None:
        feed = self._chance.choice(self._feeds)
        subscription = await feed.follow_all(after=self._cursor, wake=lambda _: None)
        frames = await subscription.take()
        subscription.close()
        self.seen += [str(frame.at) for frame in frames[: self._chance.randint(0, 7)]]
        self._cursor = self.seen[-1] if self.seen else self._cursor


async def some_writer(database: Database, ids: list[str], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        async with database.begin() as connection:
            if chance.random() < 0.5:  # it takes its transaction id long before it numbers an event
                await connection.exec_driver_sql("SELECT pg_current_xact_id()")
                await asyncio.sleep(chance.random() * 0.02)
            new = [NewEvent(type=EventType.AGENT_TEXT, message=str(seed))] * chance.randint(1, 3)
            await append_events(connection, chance.choice(ids), new)
            await asyncio.sleep(chance.random() * 0.01)


async def test_events_of_all_come_once_and_in_order_whoever_commits_when(
    database: Database, database_url: str, make_workflow: MakeWorkflow, eventually: Eventually
):
    """Two processes, several writers, transactions that begin early and commit late, a follower that comes and goes."""
    ids = [(await make_workflow(issue_number=number)).adw_id for number in range(1, 5)]
    other = Database(database_url, pool_size=6)
    feeds = [feed_on(database), feed_on(other)]
    start = await feeds[0].follow_all(after=None, wake=lambda _: None)
    cursor = str(start.at)
    visitor = Visitor(feeds, random.Random(7), cursor=cursor)
    writing = asyncio.gather(*(some_writer((database, other)[seed % 2], ids, seed) for seed in range(6)))
    async with (
        following(lambda wake: feeds[0].follow_all(after=cursor, wake=wake)) as here,
        following(lambda wake: feeds[1].follow_all(after=cursor, wake=wake)) as there,
        following(lambda wake: feeds[1].follow(ids[0], after=0, wake=wake)) as one,
    ):
        visits = 0
        while not writing.done() or visits < 100:
            await visitor.visit()
            visits += 1
        await writing
        async with database.read() as connection:
            counted = await connection.exec_driver_sql("SELECT count(*) FROM adw_workflow_events WHERE seq > 1")
            total = counted.scalar_one()
        await eventually(lambda: len(here.seen) >= total and len(there.seen) >= total)
        while len(visitor.seen) < total:
            await visitor.visit()
    start.close()
    await other.close()
    assert here.seen == there.seen
    assert visitor.seen == [str(at) for at in here.seen]
    told = [(at.adw_id, at.done) for at in here.seen]
    assert len(told) == total
    for adw_id in ids:
        numbers = [seq for name, seq in told if name == adw_id]
        assert numbers == list(range(2, len(numbers) + 2))
    assert one.seen == list(range(1, len(one.seen) + 1))
    assert any(at.done != at.seq for at in here.seen), "no transaction numbered its events late: nothing was tried"


async def test_connections_that_break_delay_events_and_lose_none(
    database: Database, database_url: str, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    watched = Database(database_url, pool_size=2)
    feed = feed_on(watched)
    async with (
        following(lambda wake: feed.follow(adw_id, after=0, wake=wake)) as one,
        following(lambda wake: feed.follow_all(after=None, wake=wake)) as everyone,
    ):
        await write(database, adw_id)
        await eventually(lambda: one.seen == [1, 2] and len(everyone.seen) == 1)
        async with database.read() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await write(database, adw_id, 3)
        await eventually(lambda: one.seen == [1, 2, 3, 4, 5] and len(everyone.seen) == 4)
    await watched.close()


async def test_every_process_looks_by_itself_when_nothing_was_announced(
    database: Database, make_workflow: MakeWorkflow, eventually: Eventually
):
    adw_id = (await make_workflow()).adw_id
    feed = feed_on(database, poll_s=0.05)
    async with following(lambda wake: feed.follow(adw_id, after=None, wake=wake)) as follower:
        async with database.engine.begin() as connection:  # past what announces
            await append_events(connection, adw_id, [NewEvent(type=EventType.AGENT_TEXT)])
        await eventually(lambda: follower.seen == [2])
