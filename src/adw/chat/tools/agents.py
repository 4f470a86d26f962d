"""Tools for agents outside of workflows: make them, command them, look what they do, stop them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from adw.chat.tools.doors import Caller, Doors
from adw.chat.tools.looking import Reference
from adw.chat.tools.orders import Usd
from adw.chat.tools.tool import Input, Tool
from adw.chat.tools.words import facts, listed
from adw.control.agency import AgentOrder, Ground
from adw.domain.agent_template import AgentTemplate
from adw.domain.free_agent import USUAL_BUDGET_USD, AgentCommand, AgentLogEntry, FreeAgent
from adw.kit.errors import UsageError
from adw.store import free_agents as store
from adw.store.free_agent_log import read_tail
from adw.store.projects import find_project

_MOST_SHOWN_CHARS = 2_000

Name = Annotated[str, Field(min_length=1, max_length=50, description="The agent's name")]
Text = Annotated[str, Field(min_length=1, max_length=60_000)]


class NewAgent(Input):
    """An agent from a template, from a prompt of its own, or from both."""

    name: str = Field(min_length=1, max_length=50, description="Two words with a hyphen, such as date-checker")
    template: str | None = Field(default=None, min_length=1, max_length=100, description="As list_templates shows")
    system_prompt: Text | None = Field(default=None, description="What it is and how it works")
    project: Reference | None = Field(default=None, description="Whose files it works on; none when left out")
    model: str | None = Field(default=None, min_length=1, max_length=100, description="opus, sonnet, haiku, or an id")
    tools: tuple[str, ...] | None = Field(default=None, max_length=20, description="Only these of what it could have")
    budget_usd: Usd | None = Field(default=None, description=f"For a month; {USUAL_BUDGET_USD} when left out")


class Templates(Input):
    """Whose templates."""

    project: Reference | None = Field(default=None, description="A known one, with those of its .claude/agents")


class Living(Input):
    """Which agents."""

    deleted: bool = Field(default=False, description="Those that are deleted instead")


class OneAgent(Input):
    """An agent."""

    agent_name: Name


class NewCommand(Input):
    """What an agent is to do."""

    agent_name: Name
    command: Text


class Look(Input):
    """How much of what an agent said and did."""

    agent_name: Name
    tail_count: int = Field(default=10, ge=1, le=100, description="How many of the latest entries")
    offset: int = Field(default=0, ge=0, le=2**31 - 1, description="Without this many of the very latest")
    verbose_logs: bool = Field(default=False, description="Whole entries instead of a line for each")


async def create_agent(doors: Doors, caller: Caller, given: NewAgent) -> str:
    order = AgentOrder(
        orchestrator_id=_whose(caller),
        name=given.name,
        actor=caller.actor,
        ground=await _ground(doors, given.project),
        template=given.template,
        system_prompt=given.system_prompt,
        model=given.model,
        tools=given.tools,
        budget_usd=given.budget_usd,
        key=caller.key("create_agent", given.model_dump(mode="json")),
    )
    return f"made {_line(await doors.agency.create(order))}"


async def show_templates(doors: Doors, _caller: Caller, given: Templates) -> str:
    ground = None
    if given.project is not None:
        async with doors.database.read() as connection:
            known = await find_project(connection, given.project)
        ground = await _ground(doors, known.id)
    usable, broken = await doors.agency.templates(ground)
    return "\n".join([*map(_template_line, usable), *(f"cannot be used: {each.problem}" for each in broken)])


async def show_agents(doors: Doors, caller: Caller, given: Living) -> str:
    async with doors.database.read() as connection:
        found = await store.list_agents(connection, orchestrator_id=caller.orchestrator_id, deleted=given.deleted)
    return listed(map(_line, found), empty="there is no such agent")


async def command_agent(doors: Doors, caller: Caller, given: NewCommand) -> str:
    agent, made = await doors.agency.command(
        _whose(caller),
        given.agent_name,
        body=given.command,
        actor=caller.actor,
        key=caller.key("command_agent", given.model_dump(mode="json")),
    )
    return f"command {made.id} of {agent.name} is {made.state}; you will be told when it has ended"


async def show_agent(doors: Doors, caller: Caller, given: Look) -> str:
    async with doors.database.read() as connection:
        agent = await store.find_agent(connection, _whose(caller), given.agent_name)
        waiting = await store.open_commands(connection, agent.id)
        last = await store.latest_commands(connection, agent.id)
        tail, in_all = await read_tail(connection, agent.id, count=given.tail_count, offset=given.offset)
    shown = [_whole(each) if given.verbose_logs else _entry(each) for each in tail]
    head = facts(_facts(agent, waiting, last))
    return "\n".join([head, f"log ({in_all} entries in all):", *shown])


async def interrupt_agent(doors: Doors, caller: Caller, given: OneAgent) -> str:
    agent, stopped = await doors.agency.interrupt(_whose(caller), given.agent_name, actor=caller.actor)
    if not stopped:
        return f"{agent.name} was doing nothing"
    return f"{agent.name} is stopped; commands {', '.join(map(str, stopped))} end"


async def delete_agent(doors: Doors, caller: Caller, given: OneAgent) -> str:
    agent = await doors.agency.delete(_whose(caller), given.agent_name, actor=caller.actor)
    if agent.project_id is None:
        return f"{agent.name} is deleted; its name is free"
    return f"{agent.name} is deleted; its name is free, and what it changed will be kept as {agent.kept_ref}"


async def _ground(doors: Doors, project: str | None) -> Ground | None:
    if project is None:
        return None
    found, base = await doors.intake.open_project(project)
    return Ground(project=found, sha=base.sha)


def _whose(caller: Caller) -> UUID:
    if caller.orchestrator_id is None:
        raise UsageError("it is not known whose agents are meant", hint="ask through the server or in a conversation")
    return caller.orchestrator_id


def _line(agent: FreeAgent) -> str:
    of = f", template {agent.template}" if agent.template else ""
    at = f", project {agent.project_id}" if agent.project_id else ""
    used = f"{agent.input_tokens + agent.output_tokens} tokens, {agent.total_cost:.4f} USD"
    kept = f", changes kept as {agent.kept_as}" if agent.kept_as else ""
    return f"{agent.name} ({agent.id}) {agent.status}{of}{at}, model {agent.model or 'usual'}, {used}{kept}"


def _facts(agent: FreeAgent, waiting: Sequence[AgentCommand], last: Sequence[AgentCommand]) -> dict[str, object]:
    return {
        "agent": _line(agent),
        "tools": " ".join(agent.tools) or "none",
        "context_tokens": agent.context_tokens,
        "budget_usd": agent.budget_usd,
        "open_commands": ", ".join(f"{each.id} {each.state}" for each in waiting),
        "last_command": next((f"{each.id} {each.state}" for each in last), None),
        "last_answer": next((each.answer and each.answer[:_MOST_SHOWN_CHARS] for each in last), None),
    }


def _entry(entry: AgentLogEntry) -> str:
    return f"{entry.seq} {entry.created_at:%H:%M:%S} {entry.kind}: {entry.summary}"


def _whole(entry: AgentLogEntry) -> str:
    given = f"\ninput: {str(entry.metadata['input'])[:_MOST_SHOWN_CHARS]}" if entry.metadata.get("input") else ""
    return f"{entry.seq} {entry.created_at:%H:%M:%S} {entry.kind}:\n{entry.body[:_MOST_SHOWN_CHARS]}{given}"


def _template_line(template: AgentTemplate) -> str:
    left = f"; not available here: {' '.join(template.left_out)}" if template.left_out else ""
    tools = " ".join(template.tools) or "none"
    return f"{template.name} ({template.origin}; tools {tools}{left}): {template.description[:300]}"


AGENT_TOOLS: tuple[Tool, ...] = (
    Tool(
        name="list_templates",
        about="Lists what agents can be made from: ours, and with a project also those of its .claude/agents.",
        scope="read",
        takes=Templates,
        carry_out=show_templates,
    ),
    Tool(
        name="list_agents",
        about="Lists the agents you command, outside of runs: name, status, template, model, tokens, cost.",
        scope="read",
        takes=Living,
        carry_out=show_agents,
    ),
    Tool(
        name="check_agent_status",
        about="Tells how an agent stands: open commands, its last answer, and a line for each thing it did lately.",
        scope="read",
        takes=Look,
        carry_out=show_agent,
    ),
    Tool(
        name="create_agent",
        about="Makes a named agent that works by command, outside of runs, in a folder of its own.",
        scope="operate",
        takes=NewAgent,
        carry_out=create_agent,
        asked_for=True,
    ),
    Tool(
        name="command_agent",
        about="Gives an agent something to do. Returns at once; you are told when it has ended.",
        scope="operate",
        takes=NewCommand,
        carry_out=command_agent,
        asked_for=True,
    ),
    Tool(
        name="interrupt_agent",
        about="Stops what an agent does and takes back what waits for it. What it changed until then stays.",
        scope="operate",
        takes=OneAgent,
        carry_out=interrupt_agent,
    ),
    Tool(
        name="delete_agent",
        about="Ends an agent for good and frees its name. What it changed in a project is kept under a hidden ref.",
        scope="operate",
        takes=OneAgent,
        carry_out=delete_agent,
        asked_for=True,
    ),
)
