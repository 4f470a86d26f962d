"""Queries that people and workers wait for, on a database with years of work in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import psycopg
from sqlalchemy import text

from adw.domain.admission import Situation, decide
from adw.domain.status import Status
from adw.kit.postgres import EmbeddedPostgres
from adw.store import queue
from adw.store.db import Connection, Database
from adw.store.events import get_workflow_events
from adw.store.migrations import migrate
from adw.store.workflows import list_workflows
from benchmarks.context import Context
from benchmarks.results import Figure, Measure

WORKFLOWS = 10_000
QUEUED = 500
PROJECTS = 50
EVENTS = 5_000_000
FEW_EVENTS = 200_000
GOAL_MS = 10.0
_CHUNK = 1_000_000
_WITHOUT_GOAL = frozenset({"list, words in the title"})
"""Looks at every title, by design: an index for it would need an extension that not every server has."""

_PROJECTS = """
INSERT INTO projects (id, name, forge, source, base_branch)
SELECT 'p' || n, 'p' || n, 'local', '/srv/p' || n, 'main' FROM generate_series(0, %(projects)s - 1) AS n
"""
_WORKFLOWS = """
INSERT INTO adw_workflows (adw_id, project_id, workflow_type, phases, issue_number, issue_title, issue_body,
    base_branch, base_sha, branch_name, priority, status, created_at, queued_at, last_seq, depends_on)
SELECT lpad(to_hex(n), 8, '0'), 'p' || n %% %(projects)s, 'sdlc', '{plan,build,test,review,document,ship}', n,
    'Totals are wrong for statement ' || n, repeat('The total is wrong. ', 20), 'main', repeat('b', 40),
    'bug-issue-' || n || '-adw-' || lpad(to_hex(n), 8, '0') || '-totals', n %% 3,
    CASE WHEN n <= %(queued)s THEN 'queued' WHEN n <= %(queued)s + 14 THEN 'active'
         WHEN n %% 10 = 0 THEN 'failed' ELSE 'completed' END,
    clock_timestamp() - make_interval(mins => n), clock_timestamp() - make_interval(mins => n), 0,
    CASE WHEN n <= %(queued)s AND n %% 20 = 0 THEN ARRAY[lpad(to_hex(n + 1), 8, '0')] ELSE '{}' END
FROM generate_series(1, %(workflows)s) AS n
"""
_EVENTS = """
INSERT INTO adw_workflow_events (id, adw_id, seq, event_type, phase, message, data)
SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(1 + n / %(each)s), 8, '0'), 1 + n %% %(each)s, 'agent_text', 'build',
    'The balance counts refunds now.', '{"role": "implementor"}'
FROM generate_series(%(low)s::bigint, %(high)s::bigint - 1) AS n
"""
_BY_KEY = text("SELECT * FROM adw_workflows WHERE adw_id = :adw_id")
_MIDDLE = f"{WORKFLOWS // 2:08x}"

Query = Callable[[Connection], Awaitable[Any]]


def measure(context: Context) -> Figure:
    events = FEW_EVENTS if context.quick else EVENTS
    times = context.repetitions(60, quick=20)
    with EmbeddedPostgres(data_dir=context.root / "data") as postgres:
        url = postgres.start()
        migrate(url)
        filled_s = fill(url, events)
        found = asyncio.run(_measure(url, times=times, pages=events // WORKFLOWS))
    baseline = found.pop("key")
    fewer = " (fewer events than the 5 million of a whole session)" if context.quick else ""
    return Figure(
        title="Queries",
        setting=f"{WORKFLOWS:,} workflows of {PROJECTS} projects, {QUEUED} of them queued, and {events:,} events"
        f"{fewer}, written in {filled_s:.0f} s. Each query {times} times, read into our values.",
        measures=[
            Measure(
                name=name,
                unit="ms",
                samples=samples,
                baseline=baseline,
                baseline_name="one workflow by its key",
                goal_at_most=None if name in _WITHOUT_GOAL else GOAL_MS,
            )
            for name, samples in found.items()
        ],
    )


def fill(url: str, events: int) -> float:
    """In the order of their keys, which is how indexes grow fastest; what is read later is as scattered as ever."""
    began = time.perf_counter()
    numbers = {"projects": PROJECTS, "workflows": WORKFLOWS, "queued": QUEUED}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET session_replication_role = replica")
        connection.execute(_PROJECTS, numbers)
        connection.execute(_WORKFLOWS, numbers)
        for low in range(0, events, _CHUNK):
            high = min(events, low + _CHUNK)
            connection.execute(_EVENTS, {"each": events // WORKFLOWS, "low": low, "high": high})
        connection.execute("UPDATE adw_workflows SET last_seq = %s", [events // WORKFLOWS])
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - began


async def _measure(url: str, *, times: int, pages: int) -> dict[str, list[float]]:
    database = Database(url)
    found = {name: await _timed(database, query, times) for name, query in _queries(pages).items()}
    await database.close()
    return found


def _queries(last_seq: int) -> Mapping[str, Query]:
    return {
        "key": lambda connection: connection.execute(_BY_KEY, {"adw_id": _MIDDLE}),
        "list, first page of 50": list_workflows,
        "list, page in the middle": _middle_page,
        "list, active ones": lambda connection: list_workflows(connection, statuses=[Status.ACTIVE]),
        "list, failed ones of a project": lambda connection: list_workflows(
            connection, statuses=[Status.FAILED], project_id="p10"
        ),
        "list, words in the title": lambda connection: list_workflows(connection, words="statement 4321"),
        "queue, all of it": queue.whole_queue,
        "queue, places of 50": lambda connection: queue.positions(connection, [f"{n:08x}" for n in range(1, 51)]),
        "claim, whose turn it is": _claim,
        "events, page of 200 in the middle": lambda connection: get_workflow_events(
            connection, _MIDDLE, after=last_seq // 2, limit=200
        ),
        "events, the last 50": lambda connection: get_workflow_events(
            connection, _MIDDLE, after=max(0, last_seq - 50), limit=50
        ),
    }


async def _middle_page(connection: Connection) -> None:
    row = (await connection.execute(_BY_KEY, {"adw_id": _MIDDLE})).mappings().one()
    await list_workflows(connection, before=(row["created_at"], row["adw_id"]))


async def _claim(connection: Connection) -> None:
    """What a worker asks inside the transaction that admits a workflow."""
    situation = Situation(slots=15, shares=await queue.shares(connection))
    first = decide(await queue.heads_of_queue(connection), situation).start
    assert first is not None
    await queue.claim_queued(connection, first.adw_id)


async def _timed(database: Database, query: Query, times: int) -> list[float]:
    """Milliseconds of each call but the first two, in a connection that is open already."""
    samples: list[float] = []
    async with database.read() as connection:
        for _ in range(times + 2):
            began = time.perf_counter()
            await query(connection)
            samples.append(1000 * (time.perf_counter() - began))
    return samples[2:]
