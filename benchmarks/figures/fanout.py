"""How soon what was appended wakes many listeners, each on a connection of its own."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import psycopg
from psycopg import sql

from adw.domain.events import EventType, NewEvent
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import Database
from adw.store.events import append_events
from adw.store.migrations import migrate
from adw.store.notify import CHANNEL
from benchmarks.context import Context
from benchmarks.results import Figure, Measure, percentile
from benchmarks.rows import ADW_ID, write_workflow

PACE_S = 0.05
_BARE = "bench_fanout"
_EVENT = NewEvent(type=EventType.AGENT_TEXT, phase="build", message="The balance counts refunds now.")

Found = dict[tuple[int, int], list[float]]


def measure(context: Context) -> Figure:
    listeners = (1, 8) if context.quick else (1, 16, 64)
    count = context.repetitions(200, quick=40)
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        write_workflow(url)
        ours, bare = asyncio.run(_measure(url, listeners, count=count, rounds=context.repetitions(3)))
    return Figure(
        title="Fan-out",
        setting=f"{count} events, one every {1000 * PACE_S:g} ms; from before the append until each listener is woken. "
        "Ours wakes at most every 10 ms, so that bursts cost one notification.",
        measures=[
            Measure(
                name=f"listeners: {many}, p{share}",
                unit="ms",
                samples=ours[many, share],
                baseline=bare[many, share],
                baseline_name="NOTIFY alone, with psycopg",
            )
            for many in listeners
            for share in (50, 99)
        ],
    )


async def _measure(url: str, listeners: tuple[int, ...], *, count: int, rounds: int) -> tuple[Found, Found]:
    found: tuple[Found, Found] = ({}, {})
    database = Database(url)
    for _ in range(rounds):
        for many in listeners:
            for place, channel in enumerate((CHANNEL, _BARE)):
                delays = await _delays(url, database, channel, many=many, count=count)
                for share in (50, 99):
                    found[place].setdefault((many, share), []).append(percentile(delays, share / 100))
    await database.close()
    return found


async def _delays(url: str, database: Database, channel: str, *, many: int, count: int) -> list[float]:
    """Milliseconds for each listener and each event that woke it."""
    sent: list[float] = []
    delays: list[float] = []

    async def hear(connection: psycopg.AsyncConnection) -> None:
        async for _ in connection.notifies(stop_after=count, timeout=10):
            delays.append(1000 * (time.perf_counter() - sent[-1]))  # noqa: PERF401 # one at a time, as they come

    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
            for _ in range(many + 1)
        ]
        listening, writer = connections[:many], connections[many]
        for connection in listening:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        hearing = [asyncio.create_task(hear(connection)) for connection in listening]
        for _ in range(count):
            sent.append(time.perf_counter())
            if channel == _BARE:
                await writer.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(channel)))
            else:
                await _append(database)
            await asyncio.sleep(PACE_S)
        await asyncio.gather(*hearing)
    return delays


async def _append(database: Database) -> None:
    async with database.begin() as connection:
        await append_events(connection, ADW_ID, [_EVENT])
