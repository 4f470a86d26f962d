"""From accepted work to its first recorded step, with a worker that has nothing else to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import pairwise

import psycopg
from sqlalchemy import text

from benchmarks.context import Context
from benchmarks.results import Figure, Measure, Table, percentile
from benchmarks.scenario import scenario
from benchmarks.stage import Stage, open_stage, worker

GOAL_MS = 250.0
SETTLE_S = 0.15
_DEADLINE_S = 30.0
_MOMENTS = text("""
SELECT extract(epoch FROM w.created_at) * 1000 AS accepted, extract(epoch FROM w.started_at) * 1000 AS admitted,
    s.started_at_epoch_ms AS taken, o.completed_at_epoch_ms AS step
FROM adw_workflows AS w
JOIN dbos.workflow_status AS s ON s.workflow_uuid = w.adw_id || '.1'
JOIN LATERAL (
    SELECT min(completed_at_epoch_ms) AS completed_at_epoch_ms FROM dbos.operation_outputs
    WHERE workflow_uuid = s.workflow_uuid) AS o ON o.completed_at_epoch_ms IS NOT NULL
WHERE w.adw_id = :adw_id
""")
_PARTS = ("accepted until admitted", "admitted until the engine takes it", "taken until the first step is recorded")
_BARE_TABLE = "CREATE TABLE bench_queue (id bigserial PRIMARY KEY, status text NOT NULL)"


def measure(context: Context) -> Figure:
    rounds = context.repetitions(3)
    count = context.repetitions(40, quick=12)
    found, parts = asyncio.run(_measure(context, rounds=rounds, count=count))
    bare = "insert, notify, update with psycopg"
    return Figure(
        title="Dispatch",
        setting=f"{count} workflows a round, one at a time, to one idle worker; each is cancelled then. "
        "Times are the database's, from the committed row of the workflow to the record of its first step.",
        measures=[
            Measure(name="accepted until first step, p50", unit="ms", samples=found["p50"],
                    baseline=found["bare p50"], baseline_name=bare),
            Measure(name="accepted until first step, p95", unit="ms", samples=found["p95"],
                    baseline=found["bare p95"], baseline_name=bare, goal_at_most=GOAL_MS),
        ],
        tables=[
            Table(
                title="Where the time goes (ms)",
                columns=("part", "p50", "p95"),
                rows=[(name, percentile(parts[name], 0.5), percentile(parts[name], 0.95)) for name in _PARTS],
            )
        ],
    )  # fmt: skip


async def _measure(
    context: Context, *, rounds: int, count: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    found: dict[str, list[float]] = {"p50": [], "p95": [], "bare p50": [], "bare p95": []}
    parts: dict[str, list[float]] = {name: [] for name in _PARTS}
    async with open_stage(context.root, scenario(turns=3, turn_ms=2000), ADW_AGENT_RUNTIME="plain") as stage:
        await asyncio.to_thread(_prepare_bare, stage)
        with worker(stage):
            await _dispatch(stage, 3)  # warms up
            for _ in range(rounds):
                moments = await _dispatch(stage, count)
                whole = [each["step"] - each["accepted"] for each in moments]
                bare = await _bare(stage, count)
                for prefix, delays in (("", whole), ("bare ", bare)):
                    found[f"{prefix}p50"].append(percentile(delays, 0.50))
                    found[f"{prefix}p95"].append(percentile(delays, 0.95))
                for each in moments:
                    for name, (begin, end) in zip(_PARTS, pairwise(each.values()), strict=True):
                        parts[name].append(end - begin)
    return found, parts


async def _dispatch(stage: Stage, count: int) -> list[Mapping[str, float]]:
    found: list[Mapping[str, float]] = []
    for _ in range(count):
        adw_id = await stage.accept(kind="plan")
        found.append(await _moments(stage, adw_id))
        await stage.foundation.control.cancel(adw_id, actor="bench")
        await asyncio.sleep(SETTLE_S)
    return found


async def _moments(stage: Stage, adw_id: str) -> Mapping[str, float]:
    """When each part of the way ended, once the first step is on record."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        async with stage.foundation.database.read() as connection:
            row = (await connection.execute(_MOMENTS, {"adw_id": adw_id})).mappings().first()
        if row is not None:
            return {name: float(value) for name, value in row.items()}
        await asyncio.sleep(0.02)
    raise RuntimeError(f"workflow {adw_id} recorded no step within {_DEADLINE_S:g} s")


def _prepare_bare(stage: Stage) -> None:
    with psycopg.connect(_plain_url(stage), autocommit=True) as connection:
        connection.execute(_BARE_TABLE)


async def _bare(stage: Stage, count: int) -> list[float]:
    """The least there can be between two processes: a row and a notification, and whoever heard it takes the row."""
    delays: list[float] = []
    url = _plain_url(stage)
    async with (
        await psycopg.AsyncConnection.connect(url) as writer,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as listener,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as taker,
    ):
        await listener.execute("LISTEN bench_queue")
        for _ in range(count):
            began = time.perf_counter()
            await writer.execute("INSERT INTO bench_queue (status) VALUES ('queued')")
            await writer.execute("NOTIFY bench_queue")
            await writer.commit()
            async for _notice in listener.notifies(stop_after=1):
                await taker.execute("UPDATE bench_queue SET status = 'active' WHERE status = 'queued'")
            delays.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(SETTLE_S / 5)
    return delays


def _plain_url(stage: Stage) -> str:
    return stage.foundation.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
