"""Pull requests under watch: who looks at which next, what was seen and done, what people asked for.

A row is made in the transaction that records the pull request's state, and stays as long as there is something left
to do for it, so nothing is forgotten while nobody runs. Waking one only makes it due; whoever looks reads the forge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Text, case, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.status import OPEN_PR_STATES, PrState, Status
from adw.store.json import storable, storable_text
from adw.store.tables.watches import requests, watches
from adw.store.tables.workflows import workflows

WATCH_CHANNEL = "adw_watches"
CLAIM_S = 300.0
"""How long somebody who looks has for it, before another one may."""

Stage = Literal["open", "over", "after", "done"]

_CLAIM = text("""
UPDATE adw_watches SET claim = :claim, claimed_until = clock_timestamp() + make_interval(secs => :claim_s)
WHERE adw_id = (
    SELECT adw_id FROM adw_watches
    WHERE stage <> 'done' AND due_at <= clock_timestamp()
        AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
""")

_MISSING = text("""
INSERT INTO adw_watches (adw_id)
SELECT adw_id FROM adw_workflows AS w
WHERE pr_state IN ('draft', 'ready') AND pr_number IS NOT NULL AND status <> 'cancelled'
    AND NOT EXISTS (SELECT FROM adw_watches AS o WHERE o.adw_id = w.adw_id)
ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One look's hold on a row. `claim` proves it; `woken` tells whether somebody woke it meanwhile."""

    adw_id: str
    stage: Stage
    claim: str
    woken: int
    quiet: int
    """Looks in a row that found nothing new."""
    seen: str | None
    """A digest of what was found last."""
    history: Mapping[str, Any]
    resolved: tuple[str, ...]
    """Threads we marked as settled."""
    conflicts: tuple[str, ...]
    """Files in which it was seen to conflict with its base."""
    forecast: Mapping[str, Any]
    """Workflows whose open branches it would conflict with: `{branch, files}` of each."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBranch:
    """A branch of ours that is offered for merging, at its last commit of ours."""

    adw_id: str
    branch: str
    head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Files in which a pull request was seen to conflict with a branch: its base, or that of another workflow."""

    adw_id: str | None
    branch: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody who may asked for on a pull request. The same key is the same request."""

    key: str
    actor: str
    body: str
    created_at: datetime


async def wake_watches(
    connection: AsyncConnection,
    *,
    project_id: str,
    pr_number: int | None = None,
    sha: str | None = None,
    branch: str | None = None,
) -> int:
    """Makes watches of a project due: those any of the given facts is about, all of them when none is given.

    A branch is one that is offered, or one that is offered to. Returns how many were woken. Whoever looks is announced
    to when the transaction commits.
    """
    given = {
        workflows.c.pr_number: pr_number,
        workflows.c.head_sha: sha,
        workflows.c.merge_sha: sha,
        workflows.c.branch_name: branch,
        workflows.c.base_branch: branch,
    }
    wanted = [column == value for column, value in given.items() if value is not None]
    statement = (
        update(watches)
        .where(watches.c.adw_id == workflows.c.adw_id, workflows.c.project_id == project_id, watches.c.stage != "done")
        .values(due_at=func.clock_timestamp(), woken=watches.c.woken + 1, quiet=0)
    )
    if wanted:
        statement = statement.where(or_(*wanted))
    woken = (await connection.execute(statement)).rowcount
    if woken:
        await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": WATCH_CHANNEL})
    return woken


async def follow_workflow(connection: AsyncConnection, adw_id: str, values: Mapping[str, Any]) -> None:
    """Called with every change of a workflow's row: an open pull request is watched, and looked at when it matters."""
    if "pr_state" in values:
        await _open(connection, adw_id, PrState(values["pr_state"]))
    if "status" in values and Status(values["status"]) is not Status.ACTIVE:
        await look_soon(connection, adw_id)


async def look_soon(connection: AsyncConnection, adw_id: str) -> None:
    """Makes the watch of one workflow due, if it has one: something of ours has changed."""
    values = {"due_at": func.clock_timestamp(), "woken": watches.c.woken + 1}
    due = update(watches).where(watches.c.adw_id == adw_id, watches.c.stage != "done").values(values)
    await connection.execute(due)


async def add_missing(connection: AsyncConnection) -> int:
    """Watches whatever is open and not watched, such as what older programs opened."""
    return (await connection.execute(_MISSING)).rowcount


async def claim_due(connection: AsyncConnection, *, claim: str, claim_s: float = CLAIM_S) -> Watch | None:
    """The watch that has been due longest, held by `claim` for a while; None when none is due."""
    row = (await connection.execute(_CLAIM, {"claim": claim, "claim_s": claim_s})).mappings().first()
    return None if row is None else _watch(row)


async def hold_claim(connection: AsyncConnection, watch: Watch) -> bool:
    """Locks the row if this claim still counts. What is decided is written in the same transaction.

    The workflow's row is locked first, as by everybody who changes both.
    """
    await connection.execute(select(workflows.c.adw_id).where(workflows.c.adw_id == watch.adw_id).with_for_update())
    query = (
        select(watches.c.claim)
        .where(watches.c.adw_id == watch.adw_id, watches.c.claimed_until > func.clock_timestamp())
        .with_for_update()
    )
    return (await connection.execute(query)).scalar_one_or_none() == watch.claim


async def release(
    connection: AsyncConnection,
    watch: Watch,
    *,
    after_s: float,
    seen: str | None = None,
    quiet: int = 0,
    history: Mapping[str, Any] | None = None,
    stage: Stage | None = None,
    conflicts: Collection[str] | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> None:
    """Ends a look: the next one is due after so long, or at once when somebody has woken it meanwhile.

    Without a digest what was seen stays as it was.
    """
    later = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    values: dict[str, Any] = {
        "claim": None,
        "claimed_until": None,
        "due_at": case((watches.c.woken == watch.woken, later), else_=func.clock_timestamp()),
        "quiet": quiet,
    }
    optional: dict[str, Any] = {
        "seen": seen,
        "history": None if history is None else storable(history),
        "stage": stage,
        "conflicts": None if conflicts is None else list(conflicts),
        "forecast": None if forecast is None else storable(forecast),
    }
    values |= {name: value for name, value in optional.items() if value is not None}
    await connection.execute(update(watches).where(watches.c.adw_id == watch.adw_id).values(values))


async def note_resolved(connection: AsyncConnection, adw_id: str, threads: Collection[str]) -> None:
    """Remembers threads that we have marked as settled: one that is open again was reopened by somebody."""
    if threads:
        more = watches.c.resolved.op("||")(array([*threads], type_=Text))
        await connection.execute(update(watches).where(watches.c.adw_id == adw_id).values(resolved=more))


async def clashes_of(connection: AsyncConnection, adw_id: str) -> list[Clash]:
    """What the open pull request would conflict with, as it was last seen: its base first."""
    query = (
        select(watches.c.conflicts, watches.c.forecast, workflows.c.base_branch)
        .join(workflows, workflows.c.adw_id == watches.c.adw_id)
        .where(watches.c.adw_id == adw_id, watches.c.stage == "open")
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return []
    base = [Clash(adw_id=None, branch=row.base_branch, files=tuple(row.conflicts))] if row.conflicts else []
    others = sorted(row.forecast.items())
    return [*base, *(Clash(adw_id=each, branch=it["branch"], files=tuple(it["files"])) for each, it in others)]


async def open_branches(
    connection: AsyncConnection, *, project_id: str, without: str, limit: int = 30
) -> list[OpenBranch]:
    """Branches of the project that are offered for merging, newest first."""
    query = (
        select(workflows.c.adw_id, workflows.c.branch_name, workflows.c.head_sha)
        .where(
            workflows.c.project_id == project_id,
            workflows.c.adw_id != without,
            workflows.c.pr_state.in_([state.value for state in OPEN_PR_STATES]),
            workflows.c.status != Status.CANCELLED.value,
            workflows.c.branch_name.is_not(None),
            workflows.c.head_sha.is_not(None),
        )
        .order_by(workflows.c.created_at.desc())
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    return [OpenBranch(adw_id=row.adw_id, branch=row.branch_name, head_sha=row.head_sha) for row in rows]


async def find_open(connection: AsyncConnection, *, project_id: str, pr_number: int) -> str | None:
    """The workflow whose open pull request this is."""
    states = [state.value for state in OPEN_PR_STATES]
    query = (
        select(workflows.c.adw_id)
        .where(
            workflows.c.project_id == project_id,
            workflows.c.pr_number == pr_number,
            workflows.c.pr_state.in_(states),
            workflows.c.status != Status.CANCELLED.value,
        )
        .order_by(workflows.c.created_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def leave_request(connection: AsyncConnection, *, adw_id: str, key: str, actor: str, body: str) -> bool:
    """Writes down what somebody asks for; False when this key was written down before."""
    values = {"key": key, "adw_id": adw_id, "actor": actor, "body": storable_text(body)}
    statement = insert(requests).values(values).on_conflict_do_nothing().returning(requests.c.key)
    return (await connection.execute(statement)).first() is not None


async def requests_of(connection: AsyncConnection, adw_id: str) -> list[Request]:
    """Oldest first."""
    query = select(requests).where(requests.c.adw_id == adw_id).order_by(requests.c.created_at, requests.c.key)
    rows = (await connection.execute(query)).mappings()
    return [Request(key=row["key"], actor=row["actor"], body=row["body"], created_at=row["created_at"]) for row in rows]


async def _open(connection: AsyncConnection, adw_id: str, state: PrState) -> None:
    """A pull request that is over is still to be tidied up after; one that is open again is watched again."""
    if state is PrState.NONE:
        return
    stage = "open" if state in OPEN_PR_STATES else "over"
    now = func.clock_timestamp()
    is_late = watches.c.stage.in_(["after", "done"]) & literal(stage == "over")
    changes = {
        "stage": case((is_late, watches.c.stage), else_=stage),
        "due_at": now,
        "woken": watches.c.woken + 1,
    }
    statement = insert(watches).values(adw_id=adw_id, stage=stage)
    await connection.execute(statement.on_conflict_do_update(index_elements=[watches.c.adw_id], set_=changes))


def _watch(row: Mapping[Any, Any]) -> Watch:
    return Watch(
        adw_id=row["adw_id"],
        stage=row["stage"],
        claim=row["claim"],
        woken=row["woken"],
        quiet=row["quiet"],
        seen=row["seen"],
        history=row["history"],
        resolved=tuple(row["resolved"]),
        conflicts=tuple(row["conflicts"]),
        forecast=row["forecast"],
        created_at=row["created_at"],
    )
