"""Appending events, one by one and in batches, and how soon a listener has what was appended."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import psycopg
from sqlalchemy import text

from adw.domain.events import EventType, NewEvent
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import Database
from adw.store.events import append_events, get_workflow_events
from adw.store.listen import listen
from adw.store.migrations import migrate
from adw.store.notify import CHANNEL
from benchmarks.context import Context
from benchmarks.results import Figure, Measure, percentile
from benchmarks.rows import ADW_ID, write_workflow

BATCH = 50
MESSAGE = "The balance counts refunds now, and a test holds the statement from the issue. " * 3
PACE_S = 0.02
_RAW_TABLE = "CREATE TABLE bench_log (id bigserial PRIMARY KEY, message text, data jsonb)"
_RAW = "INSERT INTO bench_log (message, data) VALUES (%s, '{}')"


def measure(context: Context) -> Figure:
    rounds = context.repetitions(3)
    count = context.repetitions(500, quick=100)
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_RAW_TABLE)
        write_workflow(url)
        found = asyncio.run(_measure(url, rounds=rounds, count=count))
    raw = "insert and commit with psycopg"
    bare = "insert and pg_notify with psycopg"
    return Figure(
        title="Events",
        setting=(
            f"{count} events of {len(MESSAGE)} characters, for one workflow, by one writer; "
            f"then {count // 2} at {1 / PACE_S:g} a second to a listener that reads what woke it."
        ),
        measures=[
            Measure(name="appended singly", unit="events/s", samples=found["single"], baseline=found["raw"],
                    baseline_name=raw),
            Measure(name=f"appended in batches of {BATCH}", unit="events/s", samples=found["batch"],
                    baseline=found["raw_batch"], baseline_name=f"{raw}, {BATCH} a transaction"),
            Measure(name="append to reader, p50", unit="ms", samples=found["p50"], baseline=found["bare_p50"],
                    baseline_name=bare),
            Measure(name="append to reader, p99", unit="ms", samples=found["p99"], baseline=found["bare_p99"],
                    baseline_name=bare),
        ],
    )  # fmt: skip


async def _measure(url: str, *, rounds: int, count: int) -> dict[str, list[float]]:
    names = ("single", "batch", "raw", "raw_batch", "p50", "p99", "bare_p50", "bare_p99")
    found: dict[str, list[float]] = {name: [] for name in names}
    database = Database(url)
    await _append(database, count=count // 5, batch=1)  # warms up
    for _ in range(rounds):
        found["single"].append(await _append(database, count=count, batch=1))
        found["raw"].append(await asyncio.to_thread(_raw, url, count=count, batch=1))
        found["batch"].append(await _append(database, count=10 * count, batch=BATCH))
        found["raw_batch"].append(await asyncio.to_thread(_raw, url, count=10 * count, batch=BATCH))
        for prefix, delays in (("", await _delays(database, count // 2)), ("bare_", await _bare(url, count // 2))):
            found[f"{prefix}p50"].append(percentile(delays, 0.50))
            found[f"{prefix}p99"].append(percentile(delays, 0.99))
    await database.close()
    return found


async def _append(database: Database, *, count: int, batch: int) -> float:
    """Events per second; each batch is a transaction."""
    events = [_event()] * batch
    started = time.perf_counter()
    for _ in range(count // batch):
        async with database.begin() as connection:
            await append_events(connection, ADW_ID, events)
    return count / (time.perf_counter() - started)


def _raw(url: str, *, count: int, batch: int) -> float:
    with psycopg.connect(url) as connection:
        started = time.perf_counter()
        for _ in range(count // batch):
            if batch == 1:
                connection.execute(_RAW, (MESSAGE,))
            else:
                connection.cursor().executemany(_RAW, [(MESSAGE,)] * batch)
            connection.commit()
        return count / (time.perf_counter() - started)


async def _delays(database: Database, count: int) -> list[float]:
    """Milliseconds from before the append to the reader having read the event, for each event."""
    woken, sent, delays = asyncio.Event(), dict[int, float](), list[float]()
    reader_database = Database(database.url)
    async with database.read() as connection:
        after = (await connection.execute(text("SELECT max(seq) FROM adw_workflow_events"))).scalar_one()

    async def read() -> None:
        seq = after
        while len(delays) < count:
            await woken.wait()
            woken.clear()
            async with reader_database.read() as connection:
                events = await get_workflow_events(connection, ADW_ID, after=seq)
            now = time.perf_counter()
            for event in events:
                seq = event.seq
                delays.append(1000 * (now - sent[event.seq]))

    listening = asyncio.create_task(listen(reader_database, CHANNEL, woken.set))
    await woken.wait()  # it wakes once when it listens
    reading = asyncio.create_task(read())
    for number in range(count):
        sent[after + number + 1] = time.perf_counter()
        async with database.begin() as connection:
            await append_events(connection, ADW_ID, [_event()])
        await asyncio.sleep(PACE_S)
    await asyncio.wait_for(reading, timeout=10)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await reader_database.close()
    return delays


async def _bare(url: str, count: int) -> list[float]:
    """The same with the least there can be: a row, a notification in the same transaction, a read."""
    delays: list[float] = []
    sent: list[float] = []
    reader = await psycopg.AsyncConnection.connect(url, autocommit=True)
    writer = await psycopg.AsyncConnection.connect(url)
    await reader.execute("LISTEN bench")

    async def read() -> None:
        async for _ in reader.notifies(stop_after=count):
            await looker.execute("SELECT message, data FROM bench_log ORDER BY id DESC LIMIT 1")
            delays.append(1000 * (time.perf_counter() - sent[len(delays)]))

    async with reader, writer, await psycopg.AsyncConnection.connect(url, autocommit=True) as looker:
        reading = asyncio.create_task(read())
        for _ in range(count):
            sent.append(time.perf_counter())
            await writer.execute(_RAW, (MESSAGE,))
            await writer.execute("NOTIFY bench")
            await writer.commit()
            await asyncio.sleep(PACE_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(reading, timeout=10)
    return delays


def _event() -> NewEvent:
    return NewEvent(type=EventType.AGENT_TEXT, phase="build", message=MESSAGE, data={"role": "implementor"})
