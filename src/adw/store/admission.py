"""What decides whether new work may begin: money spent this month, the last work on an issue, the base's results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.status import OPEN_PR_STATES
from adw.domain.workflow import Workflow
from adw.store.rows import workflow_from
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.work import baselines
from adw.store.tables.workflows import workflows


async def spent_this_month(connection: AsyncConnection, project_id: str) -> Decimal:
    """US dollars booked for a project's workflows since the month began in UTC, open reservations included."""
    booked = case((requests.c.state == "reserved", requests.c.reserved_usd), else_=requests.c.cost_usd)
    month = func.date_trunc("month", func.clock_timestamp(), "UTC")
    query = (
        select(func.coalesce(func.sum(booked), 0))
        .join(workflows, workflows.c.adw_id == requests.c.adw_id)
        .where(workflows.c.project_id == project_id, requests.c.started_at >= month)
    )
    return Decimal((await connection.execute(query)).scalar_one())


async def seconds_since_last_work(connection: AsyncConnection, *, project_id: str, issue_number: int) -> float | None:
    """How long ago the last workflow on an issue ended, or began if it has not; None when there was none."""
    last = func.max(func.coalesce(workflows.c.completed_at, workflows.c.created_at))
    query = select(func.extract("epoch", func.clock_timestamp() - last)).where(
        workflows.c.project_id == project_id, workflows.c.issue_number == issue_number
    )
    seconds: Any = (await connection.execute(query)).scalar_one()
    return None if seconds is None else max(0.0, float(seconds))


async def find_open_pull_request(connection: AsyncConnection, *, project_id: str, issue_number: int) -> Workflow | None:
    """The newest workflow whose pull request on the issue is open, whatever its own status."""
    query = (
        select(workflows)
        .where(
            workflows.c.project_id == project_id,
            workflows.c.issue_number == issue_number,
            workflows.c.pr_state.in_([state.value for state in OPEN_PR_STATES]),
        )
        .order_by(workflows.c.created_at.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else workflow_from(row)


async def find_by_branch(connection: AsyncConnection, *, project_id: str, branch: str) -> Workflow | None:
    """The workflow whose branch this is."""
    return await _newest(connection, workflows.c.project_id == project_id, workflows.c.branch_name == branch)


async def find_by_pull_request(connection: AsyncConnection, *, project_id: str, number: int) -> Workflow | None:
    """The workflow whose pull request this is."""
    return await _newest(connection, workflows.c.project_id == project_id, workflows.c.pr_number == number)


async def baseline_results(connection: AsyncConnection, *, project_id: str, commit: str) -> list[dict[str, Any]]:
    """What is known of an untouched commit's tests, newest first."""
    query = (
        select(baselines.c.result)
        .where(baselines.c.project_id == project_id, baselines.c.commit_sha == commit)
        .order_by(baselines.c.created_at.desc())
    )
    return list((await connection.execute(query)).scalars())


async def _newest(connection: AsyncConnection, *wanted: Any) -> Workflow | None:
    query = select(workflows).where(*wanted).order_by(workflows.c.created_at.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else workflow_from(row)
