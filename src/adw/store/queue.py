"""The queue: rows that are queued, what they wait for, and what each project has of the whole.

Ages are counted by the database's clock, so that hosts whose clocks differ agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.admission import AGEING_S, Because, Parent, Queued, Share, is_news
from adw.domain.events import EventType, NewEvent
from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow
from adw.store.events import append_event
from adw.store.rows import because_from, because_to, workflow_from
from adw.store.tables.workflows import projects, workflows

_DONE = "(p.pr_state = 'merged' OR (p.status = 'completed' AND p.pr_state = 'none'))"
"""As `adw.domain.admission.is_done` says it."""

_ANY = text("SELECT EXISTS (SELECT FROM adw_workflows WHERE status = 'queued')")

_HEADS = text(f"""
SELECT DISTINCT ON (project_id, priority, project_limit, open_limit) adw_id, project_id, priority, project_limit,
    open_limit, coalesce(extract(epoch FROM clock_timestamp() - queued_at), 0)::float AS waited_s
FROM (SELECT *, CASE WHEN pr_state = 'none' THEN open_pull_limit END AS open_limit FROM adw_workflows) AS q
WHERE status = 'queued' AND NOT adw_id = ANY (:without) AND (depends_on = '{{}}' OR NOT EXISTS (
    SELECT FROM adw_workflows AS p WHERE p.adw_id = ANY (q.depends_on) AND NOT {_DONE}))
ORDER BY project_id, priority, project_limit, open_limit, queued_at
""")  # noqa: S608 # a constant of this module

_ALL = text("""
SELECT adw_id, project_id, priority, project_limit, queued_because,
    CASE WHEN pr_state = 'none' THEN open_pull_limit END AS open_limit,
    coalesce(extract(epoch FROM clock_timestamp() - queued_at), 0)::float AS waited_s
FROM adw_workflows WHERE status = 'queued'
""")

_UNMET = text(f"""
SELECT q.adw_id AS child, p.adw_id, p.status, p.pr_state
FROM adw_workflows AS q CROSS JOIN unnest(q.depends_on) WITH ORDINALITY AS d(adw_id, position)
JOIN adw_workflows AS p ON p.adw_id = d.adw_id
WHERE q.status = 'queued' AND q.depends_on <> '{{}}' AND NOT {_DONE}
ORDER BY q.adw_id, d.position
""")  # noqa: S608 # a constant of this module

_SHARES = text("""
SELECT p.id, coalesce(a.active, 0) AS active, coalesce(o.waiting, 0) AS waiting,
    extract(epoch FROM clock_timestamp() - p.served_at)::float AS unserved_s
FROM projects AS p
LEFT JOIN (SELECT project_id, count(*) AS active FROM adw_workflows WHERE status = 'active' GROUP BY project_id) AS a
    ON a.project_id = p.id
LEFT JOIN (SELECT project_id, count(*) AS waiting FROM adw_workflows
    WHERE pr_state IN ('draft', 'ready') AND status NOT IN ('active', 'queued', 'cancelled') GROUP BY project_id) AS o
    ON o.project_id = p.id
""")

_POSITIONS = text("""
SELECT adw_id, position FROM (
    SELECT adw_id, row_number() OVER (ORDER BY
        priority + floor(greatest(extract(epoch FROM clock_timestamp() - queued_at), 0) / :ageing_s) DESC,
        queued_at, adw_id) AS position
    FROM adw_workflows
    WHERE status = 'queued' AND queued_because->>'reason' IS DISTINCT FROM 'depends_on') AS line
WHERE adw_id = ANY (:ids)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A queued workflow, and the reason it was last given."""

    queued: Queued
    because: Because | None


async def is_anything_queued(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(_ANY)).scalar_one())


async def heads_of_queue(connection: AsyncConnection, *, without: Collection[str] = ()) -> list[Queued]:
    """Of those that depend on nothing undone, the oldest of each project, priority and limit: one of them is next."""
    rows = (await connection.execute(_HEADS, {"without": list(without)})).mappings()
    return [_queued(row) for row in rows]


async def whole_queue(connection: AsyncConnection) -> list[Told]:
    """Everything queued, with what it depends on and was told last."""
    unmet: dict[str, list[Parent]] = defaultdict(list)
    for row in (await connection.execute(_UNMET)).mappings():
        parent = Parent(adw_id=row["adw_id"], status=Status(row["status"]), pr_state=PrState(row["pr_state"]))
        unmet[row["child"]].append(parent)
    rows = (await connection.execute(_ALL)).mappings()
    return [
        Told(queued=_queued(row, tuple(unmet.get(row["adw_id"], ()))), because=because_from(row["queued_because"]))
        for row in rows
    ]


async def shares(connection: AsyncConnection) -> dict[str, Share]:
    """What each project has active, and how long ago one of its workflows was last started from the queue."""
    rows = (await connection.execute(_SHARES)).mappings()
    return {row["id"]: _share(row) for row in rows}


async def claim_queued(connection: AsyncConnection, adw_id: str) -> Workflow | None:
    """The workflow, locked; None when it is no longer queued, or somebody else is doing something with it."""
    query = (
        select(workflows)
        .where(workflows.c.adw_id == adw_id, workflows.c.status == Status.QUEUED.value)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else workflow_from(row)


async def mark_served(connection: AsyncConnection, project_id: str) -> None:
    """Notes that a workflow of the project was started from the queue."""
    served = update(projects).where(projects.c.id == project_id).values(served_at=func.clock_timestamp())
    await connection.execute(served)


async def write_reasons(connection: AsyncConnection, reasons: Mapping[str, Because]) -> None:
    """Tells queued workflows why they wait, with an event where it is news. Whoever is locked hears it the next time.

    Nothing is waited for, so this transaction cannot be part of a deadlock however many rows it holds.
    """
    lock = (
        select(workflows.c.adw_id, workflows.c.queued_because)
        .where(workflows.c.adw_id.in_(list(reasons)), workflows.c.status == Status.QUEUED.value)
        .with_for_update(skip_locked=True)
    )
    for row in (await connection.execute(lock)).mappings().all():
        adw_id, because = row["adw_id"], reasons[row["adw_id"]]
        values = {"queued_because": because_to(because)}
        await connection.execute(update(workflows).where(workflows.c.adw_id == adw_id).values(values))
        if is_news(because_from(row["queued_because"]), because):
            await append_event(connection, adw_id, _event(because))


async def positions(connection: AsyncConnection, adw_ids: Collection[str]) -> dict[str, int]:
    """Their places in line by urgency and age, from 1; those that depend on others have none.

    Limits and fairness between projects may bring one forward.
    """
    found = await connection.execute(_POSITIONS, {"ids": list(adw_ids), "ageing_s": AGEING_S})
    return {row.adw_id: row.position for row in found}


def _event(because: Because) -> NewEvent:
    data = {"queuedBecause": because_to(because)}
    return NewEvent(type=EventType.WORKFLOW_UPDATED, message=f"queued: {because.detail}", data=data)


def _share(row: Mapping[Any, Any]) -> Share:
    return Share(active=row["active"], waiting_for_people=row["waiting"], unserved_s=row["unserved_s"])


def _queued(row: Mapping[Any, Any], unmet: tuple[Parent, ...] = ()) -> Queued:
    return Queued(
        adw_id=row["adw_id"],
        project_id=row["project_id"],
        priority=row["priority"],
        waited_s=row["waited_s"],
        project_limit=row["project_limit"],
        open_limit=row["open_limit"],
        unmet=unmet,
    )
