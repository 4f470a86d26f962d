"""Durable steps and transactions beside a hand-written loop that inserts and commits one row for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import text

from adw.engine.dbos_engine import DbosEngine
from adw.engine.settings import EngineSettings
from adw.kit.postgres import EmbeddedPostgres
from adw.ports.engine import JsonObject, JsonValue, Leg, RunStatus
from adw.store.db import Database
from adw.store.migrations import migrate
from benchmarks.context import Context
from benchmarks.results import Figure, Measure

LOOK_S = 0.02
SHORT_STEPS = 6
CONNECTIONS = 16
TIMEOUT_S = 60.0
_CREATE = "CREATE TABLE bench_steps (run_id text, name text, output jsonb, PRIMARY KEY (run_id, name))"
_INSERT = "INSERT INTO bench_steps VALUES (%s, %s, %s)"
_WRITE = text("INSERT INTO bench_steps VALUES (:run_id, :name, '{}')")


class _Silent:
    """Nothing is watched here."""

    async def progress(self, connection: Any, *, run_id: str) -> str:  # noqa: ARG002
        return ""

    async def recovered(self, connection: Any, *, run_id: str, previous_executor: str) -> None: ...
    async def exhausted(self, connection: Any, *, run_id: str) -> None: ...
    def lease_kept(self, *, until: float) -> None: ...

    async def lease_lost(self) -> None: ...


def measure(context: Context) -> Figure:
    steps = context.repetitions(100, quick=20)
    rounds = context.repetitions(5)
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_CREATE)
        found = asyncio.run(_measure(url, steps=steps, rounds=rounds))
        found |= asyncio.run(_throughput(url, many=context.repetitions(120, quick=24), rounds=context.repetitions(3)))
    baseline_name = "insert and commit with psycopg"
    many = context.repetitions(120, quick=24)
    limits = [("one connection", found["hand runs 1"]), (f"{CONNECTIONS} connections", found["hand runs 16"])]
    return Figure(
        title="Engine",
        setting=f"{steps} empty steps, one after the other in one run, on the embedded database with fsync on. Then "
        f"{many} runs of {SHORT_STEPS} empty steps at once, in one process, {CONNECTIONS} of them at a time; the limit "
        "is a loop that does nothing but insert and commit a row for each step.",
        measures=[
            Measure(name="step", unit="ms", samples=found["step"], baseline=found["hand"], baseline_name=baseline_name),
            Measure(
                name="transaction with one row of ours",
                unit="ms",
                samples=found["transaction"],
                baseline=found["hand"],
                baseline_name=baseline_name,
            ),
            Measure(name="enqueued until running", unit="ms", samples=found["start"]),
            *[
                Measure(name=what, unit=unit, samples=[each * times for each in found["runs"]],
                        baseline=[each * times for each in limit], baseline_name=f"the loop, {name}")
                for what, unit, times in (("workflows", "runs/s", 1), ("steps", "steps/s", SHORT_STEPS))
                for name, limit in limits
            ],
        ],
    )  # fmt: skip


async def _measure(url: str, *, steps: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"step": [], "transaction": [], "start": [], "hand": []}
    database = Database(url)
    begun: dict[str, float] = {}
    spent: dict[str, float] = {}

    async def interpret(leg: Leg, payload: JsonObject) -> JsonValue:
        begun[leg.run_id] = time.perf_counter()
        await _steps(leg, str(payload["kind"]), steps)
        spent[leg.run_id] = time.perf_counter() - begun[leg.run_id]
        return None

    engine = DbosEngine(database, interpret=interpret, observer=_Silent(), settings=EngineSettings())
    await engine.launch()
    try:
        for number in range(rounds + 1):  # the first round warms up
            for kind in ("step", "transaction"):
                run_id, enqueued = f"{kind}-{number}", time.perf_counter()
                await _run(engine, database, run_id, kind)
                if number:
                    found[kind].append(1000 * spent[run_id] / steps)
                    found["start"].append(1000 * (begun[run_id] - enqueued))
            hand = await asyncio.to_thread(_by_hand, url, steps)
            if number:
                found["hand"].append(1000 * hand / steps)
    finally:
        await engine.close(grace_s=5)
        await database.close()
    return found


async def _throughput(url: str, *, many: int, rounds: int) -> dict[str, list[float]]:
    """Runs a second, by the engine and by hand."""
    found: dict[str, list[float]] = {"runs": [], "hand runs 1": [], "hand runs 16": []}
    database = Database(url)
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def interpret(leg: Leg, payload: JsonObject) -> JsonValue:  # noqa: ARG001
        await _steps(leg, "step", SHORT_STEPS)
        ended.put_nowait(leg.run_id)
        return None

    settings = EngineSettings(concurrency=CONNECTIONS, pool_size=CONNECTIONS)
    engine = DbosEngine(database, interpret=interpret, observer=_Silent(), settings=settings)
    await engine.launch()
    try:
        for number in range(rounds + 1):
            begun = time.perf_counter()
            for each in range(many):
                async with database.begin() as connection:
                    await engine.enqueue(connection, run_id=f"short-{number}-{each}", payload={})
            engine.wake()
            for _ in range(many):
                await asyncio.wait_for(ended.get(), TIMEOUT_S)
            spent = time.perf_counter() - begun
            for name, connections in (("hand runs 1", 1), ("hand runs 16", CONNECTIONS)):
                by_hand = many / await _loop_by_hand(url, many, connections)
                found[name] += [by_hand] if number else []
            found["runs"] += [many / spent] if number else []
    finally:
        await engine.close(grace_s=5)
        await database.close()
    return found


async def _loop_by_hand(url: str, many: int, connections: int) -> float:
    """Seconds for as many runs, shared among connections that each insert and commit a row for each step."""
    waiting = iter(range(many))

    async def work() -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            for _ in waiting:
                run_id = uuid4().hex
                for number in range(SHORT_STEPS):
                    await connection.execute(_INSERT, (run_id, f"s{number}", "{}"))
                    await connection.commit()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return time.perf_counter() - begun


async def _run(engine: DbosEngine, database: Database, run_id: str, kind: str) -> None:
    async with database.begin() as connection:
        await engine.enqueue(connection, run_id=run_id, payload={"kind": kind})
    engine.wake()  # as a worker's listener does
    deadline = time.monotonic() + TIMEOUT_S
    while await engine.status(run_id) is not RunStatus.COMPLETED:
        if time.monotonic() > deadline:
            raise RuntimeError(f"run {run_id} is {await engine.status(run_id)}")
        await asyncio.sleep(LOOK_S)


async def _steps(leg: Leg, kind: str, steps: int) -> None:
    for number in range(steps):
        if kind == "step":
            await leg.step(f"s{number}", _nothing)
        else:
            await leg.transaction(f"s{number}", _writing(leg.run_id, f"s{number}"))


async def _nothing() -> JsonValue:
    return None


def _writing(run_id: str, name: str) -> Callable[[Any], Awaitable[JsonValue]]:
    async def work(connection: Any) -> JsonValue:
        await connection.execute(_WRITE, {"run_id": run_id, "name": name})
        return None

    return work


def _by_hand(url: str, steps: int) -> float:
    run_id = uuid4().hex
    with psycopg.connect(url) as connection:
        started = time.perf_counter()
        for number in range(steps):
            connection.execute(_INSERT, (run_id, f"s{number}", "{}"))
            connection.commit()
        return time.perf_counter() - started
