"""Agents outside of workflows, of the client for programs without an event loop."""

from __future__ import annotations

from typing import Unpack

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class FreeAgents(Connection):
    """Agents outside of workflows."""

    def free_agents(self, *, deleted: bool = False) -> t.FreeAgentListDict:
        """Those there are, or those that are deleted."""
        return self.send(calls.free_agents.listed(deleted=deleted))

    def create_agent(self, name: str, *, key: str | None = None, **fields: Unpack[t.NewAgentFields]) -> t.FreeAgentDict:
        """Makes one from a template, a prompt of its own, or both."""
        return self.send(calls.free_agents.create(name, fields, actor=self.actor, key=key))

    def free_agent(self, name: str) -> t.FreeAgentDetailDict:
        """How it stands; by its id also when it is deleted."""
        return self.send(calls.free_agents.shown(name))

    def command_agent(self, name: str, words: str, *, key: str | None = None) -> t.AgentCommandDict:
        """Tells it what to do; what comes of it is read from `agent_log` or `free_agent`."""
        return self.send(calls.free_agents.command(name, words, actor=self.actor, key=key))

    def interrupt_agent(self, name: str) -> t.StoppedDict:
        """Ends what it does and takes back what waits."""
        return self.send(calls.free_agents.interrupt(name))

    def delete_agent(self, name: str) -> t.FreeAgentDict:
        """Ends it for good; its name is free."""
        return self.send(calls.free_agents.delete(name))

    def agent_log(self, name: str, *, after: int | None = None, limit: int = 100) -> t.AgentLogDict:
        """The latest entries, or those after a `seq`."""
        return self.send(calls.free_agents.log(name, after=after, limit=limit))

    def agent_templates(self, *, project: str | None = None) -> t.AgentTemplateListDict:
        """What agents can be made from; with those of a known project."""
        return self.send(calls.free_agents.templates(project=project))
