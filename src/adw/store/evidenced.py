"""What is known of a commit already, whichever workflow found it out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.phase import Evidence, GateOutcome
from adw.store.tables.work import evidence
from adw.store.tables.workflows import workflows


async def find_passed(connection: AsyncConnection, *, project_id: str, gate: str, commit: str) -> Evidence | None:
    """The latest result by which this gate was green for this commit of the project.

    Also one that was superseded: it counts no longer for its workflow, but stays true of the commit.
    """
    query = (
        select(evidence)
        .join(workflows, workflows.c.adw_id == evidence.c.adw_id)
        .where(
            workflows.c.project_id == project_id,
            evidence.c.gate == gate,
            evidence.c.commit_sha == commit,
            evidence.c.outcome == GateOutcome.PASSED.value,
        )
        .order_by(evidence.c.created_at.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    return Evidence(
        gate=row["gate"],
        outcome=GateOutcome(row["outcome"]),
        commit=row["commit_sha"],
        summary=row["summary"],
        config_hash=row["config_hash"],
        data=row["data"],
    )
