"""Conversations of agents that are under way."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.store.agent_outputs import AgentOutput
from adw.store.tables.work import agent_outputs, phases
from adw.store.tables.workflows import workflows


async def running_agents(connection: AsyncConnection) -> list[AgentOutput]:
    """Begun and not ended, in attempts that run, of workflows that are active; the longest-running first."""
    same = (
        phases.c.adw_id == agent_outputs.c.adw_id,
        phases.c.phase == agent_outputs.c.phase,
        phases.c.attempt == agent_outputs.c.attempt,
        phases.c.status == PhaseStatus.RUNNING.value,
    )
    query = (
        select(agent_outputs)
        .join(workflows, workflows.c.adw_id == agent_outputs.c.adw_id)
        .where(workflows.c.status == Status.ACTIVE.value, agent_outputs.c.ended_at.is_(None))
        .where(select(phases.c.phase).where(*same).exists())
        .order_by(agent_outputs.c.created_at)
    )
    rows = (await connection.execute(query)).mappings()
    return [AgentOutput(**{name: row[name] for name in AgentOutput.__slots__}) for row in rows]
