"""Free agents, their commands and what they say, as they are sent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from adw.api.wire import Money, Wire
from adw.domain.agent_template import AgentTemplate, BrokenTemplate
from adw.domain.free_agent import USUAL_BUDGET_USD, AgentCommand, FreeAgent


class FreeAgentView(Wire):
    """An agent outside of workflows, and what it has used."""

    id: UUID
    orchestrator_id: UUID
    name: str
    status: str = Field(description="idle, executing, interrupted, failed or deleted")
    project_id: str | None
    base_sha: str | None = Field(description="The commit its files began from")
    template: str | None
    tools: tuple[str, ...]
    model: str | None = Field(description="null: the usual one")
    budget_usd: Money = Field(description="For one calendar month, in UTC")
    session_id: str | None
    input_tokens: int
    output_tokens: int
    context_tokens: int = Field(description="How much of the model's window its conversation takes up")
    total_cost_usd: Money
    place: str | None = Field(description="Where its files are, on the host that has them")
    kept_as: str | None = Field(description="Of a deleted one: where what it had changed is kept")
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class CommandView(Wire):
    """Something an agent was told to do."""

    id: int
    agent_id: UUID
    author: str
    body: str
    state: str = Field(description="queued, executing, done, interrupted or failed")
    attempt: int = Field(description="How many workers have taken it up")
    answer: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money
    created_at: datetime
    taken_at: datetime | None
    ended_at: datetime | None


class FreeAgentList(Wire):
    """Agents, the latest first."""

    agents: tuple[FreeAgentView, ...]


class FreeAgentDetail(FreeAgentView):
    """One agent with its prompt and what it was told."""

    system_prompt: str
    open_commands: tuple[CommandView, ...] = Field(description="What it does and what waits, in order")
    last_command: CommandView | None


class StoppedView(Wire):
    """Which commands were asked to end, or taken back."""

    success: bool = True
    commands: tuple[int, ...]


class AgentLogEntryView(Wire):
    """One thing said or done, with one line that says what it is."""

    seq: int
    command_id: int | None
    kind: str = Field(description="command, text, thinking, tool_use, tool_result, answer or notice")
    summary: str
    body: str
    metadata: dict[str, Any]
    created_at: datetime


class AgentLogView(Wire):
    """What an agent said and did, in order."""

    agent_id: UUID
    entries: tuple[AgentLogEntryView, ...]
    next_cursor: int = Field(description="Pass it as `after` to get only what comes next")


class TemplateView(Wire):
    """What agents can be made from."""

    name: str
    description: str
    tools: tuple[str, ...]
    left_out: tuple[str, ...] = Field(description="Tools it names that agents do not have here")
    model: str | None
    origin: str = Field(description="A path in the repository, or `built-in`")


class BrokenTemplateView(Wire):
    """A file that cannot be used as one."""

    origin: str
    problem: str


class TemplateList(Wire):
    """Templates by name, and files that cannot be used."""

    templates: tuple[TemplateView, ...]
    broken: tuple[BrokenTemplateView, ...]


def free_agent_view(agent: FreeAgent) -> FreeAgentView:
    return FreeAgentView(**_columns(agent))


def free_agent_detail(agent: FreeAgent, *, waiting: list[AgentCommand], latest: list[AgentCommand]) -> FreeAgentDetail:
    return FreeAgentDetail(
        **_columns(agent),
        system_prompt=agent.system_prompt,
        open_commands=tuple(map(command_view, waiting)),
        last_command=command_view(latest[0]) if latest else None,
    )


def command_view(command: AgentCommand) -> CommandView:
    return CommandView.model_validate(command)


def template_list(usable: list[AgentTemplate], broken: list[BrokenTemplate]) -> TemplateList:
    return TemplateList(
        templates=tuple(map(TemplateView.model_validate, usable)),
        broken=tuple(map(BrokenTemplateView.model_validate, broken)),
    )


_NAMES = {"orchestrator_id": "orchestrator_agent_id", "total_cost_usd": "total_cost"}


def _columns(agent: FreeAgent) -> dict[str, Any]:
    values = {name: getattr(agent, _NAMES.get(name, name)) for name in FreeAgentView.model_fields}
    budget: Decimal | None = agent.budget_usd
    return values | {"status": agent.status.value, "budget_usd": USUAL_BUDGET_USD if budget is None else budget}
