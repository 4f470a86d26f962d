"""Agents outside of workflows, of the client for programs with an event loop."""

from __future__ import annotations

from typing import Unpack

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncFreeAgents(AsyncConnection):
    """Agents outside of workflows."""

    async def free_agents(self, *, deleted: bool = False) -> t.FreeAgentListDict:
        """Those there are, or those that are deleted."""
        return await self.send(calls.free_agents.listed(deleted=deleted))

    async def create_agent(
        self, name: str, *, key: str | None = None, **fields: Unpack[t.NewAgentFields]
    ) -> t.FreeAgentDict:
        """Makes one from a template, a prompt of its own, or both."""
        return await self.send(calls.free_agents.create(name, fields, actor=self.actor, key=key))

    async def free_agent(self, name: str) -> t.FreeAgentDetailDict:
        """How it stands; by its id also when it is deleted."""
        return await self.send(calls.free_agents.shown(name))

    async def command_agent(self, name: str, words: str, *, key: str | None = None) -> t.AgentCommandDict:
        """Tells it what to do; what comes of it is read from `agent_log` or `free_agent`."""
        return await self.send(calls.free_agents.command(name, words, actor=self.actor, key=key))

    async def interrupt_agent(self, name: str) -> t.StoppedDict:
        """Ends what it does and takes back what waits."""
        return await self.send(calls.free_agents.interrupt(name))

    async def delete_agent(self, name: str) -> t.FreeAgentDict:
        """Ends it for good; its name is free."""
        return await self.send(calls.free_agents.delete(name))

    async def agent_log(self, name: str, *, after: int | None = None, limit: int = 100) -> t.AgentLogDict:
        """The latest entries, or those after a `seq`."""
        return await self.send(calls.free_agents.log(name, after=after, limit=limit))

    async def agent_templates(self, *, project: str | None = None) -> t.AgentTemplateListDict:
        """What agents can be made from; with those of a known project."""
        return await self.send(calls.free_agents.templates(project=project))
