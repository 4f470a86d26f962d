"""Orders to free agents: make, command, look at, interrupt, delete. Nothing is carried out here: rows are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from adw.domain.agent_template import AgentTemplate, BrokenTemplate
from adw.domain.free_agent import ALL_TOOLS, AgentCommand, FreeAgent, check_name, known_rules, tool_of
from adw.domain.project import Project
from adw.kit.errors import UsageError
from adw.ports.projects import ProjectAccess
from adw.project.agent_templates import find_template, list_templates
from adw.project.base_files import BaseFiles
from adw.store import free_agents
from adw.store.db import Database
from adw.store.free_agents import NewAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A repository and the commit of it that an agent's files begin from."""

    project: Project
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOrder:
    """An agent somebody wants, from a template, a prompt of its own, or both. `tools` only narrow a template's."""

    orchestrator_id: UUID
    name: str
    actor: str
    ground: Ground | None = None
    template: str | None = None
    system_prompt: str | None = None
    model: str | None = None
    tools: Sequence[str] | None = None
    budget_usd: Decimal | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """The one door to free agents, for chat, API, command line and MCP alike."""

    database: Database
    access: ProjectAccess

    async def create(self, order: AgentOrder) -> FreeAgent:
        """Makes it, ready to be commanded. The same key gives the agent it gave before.

        Raises UsageError, NotFoundError for an unknown template, ConflictError when the name is taken.
        """
        template = None
        if order.template is not None:
            template = await find_template(self._files(order.ground), order.template)
        prompts = [template.system_prompt if template else None, order.system_prompt]
        told = [words for each in prompts if (words := (each or "").strip())]
        if not told:
            raise UsageError(
                "an agent needs a template or a prompt of its own", hint="see `adw agent templates` for what there is"
            )
        ground = order.ground
        new = NewAgent(
            orchestrator_agent_id=order.orchestrator_id,
            name=check_name(order.name),
            system_prompt="\n\n".join(told),
            tools=_tools(template, order.tools),
            created_by=order.actor,
            project_id=None if ground is None else ground.project.id,
            base_sha=None if ground is None else ground.sha,
            template=None if template is None else template.name,
            model=order.model or (template.model if template else None),
            budget_usd=order.budget_usd,
            key=order.key,
        )
        async with self.database.begin() as connection:
            return await free_agents.create_agent(connection, new)

    async def templates(self, ground: Ground | None = None) -> tuple[list[AgentTemplate], list[BrokenTemplate]]:
        """Those of a repository's base commit and ours, and those that cannot be used."""
        return await list_templates(self._files(ground))

    async def command(
        self, orchestrator_id: UUID, name: str, *, body: str, actor: str, key: str | None = None
    ) -> tuple[FreeAgent, AgentCommand]:
        """Puts a command in line; the same key gives the one it gave before. Raises NotFoundError, ConflictError."""
        if not body.strip():
            raise UsageError("a command needs words", hint="say what the agent is to do")
        async with self.database.begin() as connection:
            agent = await free_agents.find_agent(connection, orchestrator_id, name)
            given = await free_agents.command_agent(connection, agent.id, author=actor, body=body, key=key)
        return agent, given

    async def interrupt(self, orchestrator_id: UUID, name: str, *, actor: str) -> tuple[FreeAgent, list[int]]:
        """Ends what it does and takes back what waits; the commands that concerns. Raises NotFoundError."""
        async with self.database.begin() as connection:
            agent = await free_agents.find_agent(connection, orchestrator_id, name)
            return agent, await free_agents.interrupt_agent(connection, agent.id, by=actor)

    async def delete(self, orchestrator_id: UUID, name: str, *, actor: str) -> FreeAgent:
        """Ends it for good; its name is free at once. Raises NotFoundError."""
        async with self.database.begin() as connection:
            agent = await free_agents.find_agent(connection, orchestrator_id, name)
            return await free_agents.delete_agent(connection, agent.id, by=actor)

    def _files(self, ground: Ground | None) -> BaseFiles | None:
        return None if ground is None else BaseFiles(access=self.access, project=ground.project, sha=ground.sha)


def _tools(template: AgentTemplate | None, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Those of the template, or of these only; what it does not allow cannot be had by asking."""
    most = ALL_TOOLS if template is None else template.tools
    if wanted is None:
        return most
    unknown = [rule for rule in wanted if rule not in known_rules(wanted)]
    if unknown:
        raise UsageError(f"there is no tool {unknown[0]!r}", hint=f"there are {', '.join(ALL_TOOLS)}")
    plain = {rule for rule in most if rule == tool_of(rule)}
    beyond = [rule for rule in wanted if tool_of(rule) not in plain and rule not in most]
    if beyond:
        of = "here" if template is None else f"in the template {template.name}"
        raise UsageError(f"there is no {beyond[0]} {of}", hint=f"there are {', '.join(most) or 'none'}")
    return known_rules(wanted)
