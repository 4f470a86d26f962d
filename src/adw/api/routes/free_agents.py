"""Agents outside of workflows: making, commanding, looking at, interrupting and deleting them. Rows are written."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ConfigDict, Field

from adw.api.inputs import Caller, IdempotencyKey, Services
from adw.api.openapi import problems
from adw.api.paths import check_reference
from adw.api.routes.orchestrator import MAX_MESSAGE_CHARS, Cursor, Which, orchestrator_of
from adw.api.services import ApiServices
from adw.api.views.free_agents import (
    AgentLogEntryView,
    AgentLogView,
    CommandView,
    FreeAgentDetail,
    FreeAgentList,
    FreeAgentView,
    StoppedView,
    TemplateList,
    command_view,
    free_agent_detail,
    free_agent_view,
    template_list,
)
from adw.api.wire import ActorBody, Amount, Line
from adw.control.agency import Agency, AgentOrder, Ground
from adw.domain.free_agent import USUAL_BUDGET_USD
from adw.store import free_agents as store
from adw.store.free_agent_log import read_log
from adw.store.projects import find_project

router = APIRouter(prefix="/api/orchestrator", tags=["agents"], responses=problems(404, 409))


async def _mine(services: Services, request: Request, which: Which = None) -> UUID:
    return await orchestrator_of(services, request, which)


Mine = Annotated[UUID, Depends(_mine)]
"""The orchestrator whose agents are meant."""
Name = Annotated[
    str, Path(min_length=1, max_length=100, description="Its name; or its id, which also finds deleted ones")
]
Reference = Annotated[str, Field(min_length=1, max_length=4096, description="A path, `owner/name`, an id or a name")]
Rule = Annotated[str, Field(max_length=200, pattern=r"^(Read|Glob|Grep|Write|Edit|Bash)(\([ -~]+\))?$")]


class NewAgentBody(ActorBody):
    """An agent from a template, from a prompt of its own, or from both. Without a project its folder is empty."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["template"]}, {"required": ["systemPrompt"]}]})

    name: str = Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=50, examples=["date-checker"])
    template: Line | None = None
    system_prompt: str | None = Field(default=None, min_length=1, max_length=MAX_MESSAGE_CHARS)
    project: Reference | None = None
    model: Line | None = Field(default=None, description="opus, sonnet, haiku, or a model's id")
    tools: tuple[Rule, ...] | None = Field(default=None, max_length=20, description="Only these of what it could have")
    budget_usd: Amount | None = Field(default=None, description=f"For a month; {USUAL_BUDGET_USD} when left out")


class CommandBody(ActorBody):
    """What the agent is to do. It waits its turn."""

    command: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARS)


@router.get("/agents")
async def list_free_agents(
    services: Services,
    mine: Mine,
    *,
    deleted: Annotated[bool, Query(description="Those that are deleted instead")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> FreeAgentList:
    """The agents that an orchestrator commands outside of workflows, the latest first."""
    async with services.database.read() as connection:
        found = await store.list_agents(connection, orchestrator_id=mine, deleted=deleted, limit=limit)
    return FreeAgentList(agents=tuple(map(free_agent_view, found)))


@router.post("/agents", status_code=201, responses=problems(404, 409, 502))
async def create_free_agent(
    services: Services, mine: Mine, body: NewAgentBody, idempotency_key: IdempotencyKey
) -> FreeAgentView:
    """Makes one, ready to be commanded. Its files begin at the project's base as it is now."""
    order = AgentOrder(
        orchestrator_id=mine,
        name=body.name,
        actor=body.actor,
        ground=await _ground(services, body.project),
        template=body.template,
        system_prompt=body.system_prompt,
        model=body.model,
        tools=body.tools,
        budget_usd=body.budget_usd,
        key=idempotency_key,
    )
    return free_agent_view(await _agency(services).create(order))


@router.get("/agents/{name}")
async def get_free_agent(services: Services, mine: Mine, name: Name) -> FreeAgentDetail:
    """How it stands, with what it does, what waits, and how its last command ended."""
    async with services.database.read() as connection:
        agent = await store.find_agent(connection, mine, name)
        waiting = await store.open_commands(connection, agent.id)
        latest = await store.latest_commands(connection, agent.id)
    return free_agent_detail(agent, waiting=waiting, latest=latest)


@router.delete("/agents/{name}")
async def delete_free_agent(services: Services, mine: Mine, caller: Caller, name: Name) -> FreeAgentView:
    """Ends it for good and frees its name. What it changed in a project is kept on the remote; its log stays."""
    return free_agent_view(await _agency(services).delete(mine, name, actor=caller.name))


@router.post("/agents/{name}/command", status_code=202)
async def command_free_agent(
    services: Services,
    mine: Mine,
    name: Name,
    body: CommandBody,
    idempotency_key: IdempotencyKey,
) -> CommandView:
    """Tells it what to do. A worker carries that out; the answer is in its log and at `GET .../{name}`."""
    _, given = await _agency(services).command(mine, name, body=body.command, actor=body.actor, key=idempotency_key)
    return command_view(given)


@router.post("/agents/{name}/interrupt")
async def interrupt_free_agent(services: Services, mine: Mine, caller: Caller, name: Name) -> StoppedView:
    """Ends what it does, with all its processes, and takes back what waits."""
    _, stopped = await _agency(services).interrupt(mine, name, actor=caller.name)
    return StoppedView(commands=tuple(stopped))


@router.get("/agents/{name}/logs")
async def get_free_agent_log(
    services: Services,
    mine: Mine,
    name: Name,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AgentLogView:
    """What it said and did, oldest first: the latest entries, or those after a `seq`."""
    async with services.database.read() as connection:
        agent = await store.find_agent(connection, mine, name)
        found = await read_log(connection, agent.id, after=after, limit=limit)
    return AgentLogView(
        agent_id=agent.id,
        entries=tuple(AgentLogEntryView.model_validate(each) for each in found),
        next_cursor=found[-1].seq if found else after or 0,
    )


@router.get("/templates", responses=problems(404, 409, 502))
async def list_agent_templates(
    services: Services,
    project: Annotated[
        str | None, Query(min_length=1, max_length=4096, description="With those of this known project")
    ] = None,
) -> TemplateList:
    """What agents can be made from: ours, and those a repository has committed in `.claude/agents`."""
    ground = None
    if project is not None:
        async with services.database.read() as connection:
            known = await find_project(connection, project)
        ground = await _ground(services, known.id)
    return template_list(*await _agency(services).templates(ground))


def _agency(services: ApiServices) -> Agency:
    return Agency(database=services.database, access=services.access)


async def _ground(services: ApiServices, project: str | None) -> Ground | None:
    if project is None:
        return None
    found, base = await services.intake.open_project(check_reference(project))
    return Ground(project=found, sha=base.sha)
