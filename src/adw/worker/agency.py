"""Has free agents carry out their commands. Any worker does it for all whose files are on its host or on none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from adw.chat.agency import FreeAgents
from adw.store import free_agent_work as store
from adw.store.chat_turns import owner_of
from adw.store.db import Database
from adw.store.free_agent_work import AgentWork
from adw.store.free_agents import AGENTS_CHANNEL
from adw.store.listen import listen
from adw.worker.holding import POLL_S, Holder

AT_ONCE = 4
"""Agents that one worker has at work at the same time."""


async def keep_agents_working(database: Database, agents: FreeAgents, *, worker_id: str) -> None:
    """Until cancelled; commands underway are given back, so that another worker goes on at once."""
    holder = Holder(AgentSource(database=database, agents=agents, worker_id=worker_id))
    async with asyncio.TaskGroup() as group:
        group.create_task(listen(database, AGENTS_CHANNEL, holder.wake))
        for number in range(AT_ONCE):  # one that looks often is enough, the others are woken
            group.create_task(holder.run(poll_s=POLL_S * (5 if number else 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSource:
    """Implements `adw.worker.holding.Source` on the rows of free agents."""

    database: Database
    agents: FreeAgents
    worker_id: str

    async def take(self) -> AgentWork | None:
        async with self.database.begin() as connection:
            owner = owner_of(self.worker_id)
            return await store.take_work(connection, owner=owner, host=self.agents.places.host)

    async def keep(self, work: AgentWork) -> bool:
        async with self.database.begin() as connection:
            return await store.keep_work(connection, work)

    async def give_back(self, work: AgentWork) -> None:
        async with self.database.begin() as connection:
            await store.give_work_back(connection, work)

    async def do(self, work: AgentWork) -> None:
        await self.agents.carry_out(work)

    async def stopped(self, work: AgentWork) -> None:
        await self.agents.stopped(work)
