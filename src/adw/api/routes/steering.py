"""Steering: doing phases again, branching off, comparing, taking the worktree over, speaking to agents."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path
from pydantic import Field, StrictBool

from adw.api.inputs import AdwId, IdempotencyKey, Services
from adw.api.openapi import problems
from adw.api.ordering import check_room
from adw.api.services import ApiServices
from adw.api.views.building import workflow_view
from adw.api.views.messages import MessageList, MessageView
from adw.api.views.steering import AgentList, AgentView, ComparisonView, TakeoverView, comparison_view
from adw.api.views.workflow import AcceptedView, WorkflowAnswer, WorkflowView
from adw.api.wire import ActorBody, Line
from adw.control.otherwise import Otherwise
from adw.domain.agent import ModelSet
from adw.domain.message import MAX_MESSAGE_CHARS
from adw.domain.workflow import Workflow
from adw.kit.errors import UsageError
from adw.store.messages import list_messages
from adw.store.workflows import resolve_prefix

router = APIRouter(prefix="/api", tags=["steering"], responses=problems(404))
_OF_WORKFLOW = "/adw/workflows/{adw_id}"


class OtherwiseBody(ActorBody):
    """What is to be otherwise; what is left out stays."""

    model_set: ModelSet | None = None
    model: Line | None = Field(default=None, description="That of all agents from now on")
    message: str | None = Field(
        default=None, min_length=1, max_length=MAX_MESSAGE_CHARS, description="What the next agent is told first"
    )

    @property
    def otherwise(self) -> Otherwise:
        return Otherwise(model_set=self.model_set, model=self.model, message=self.message)


class RetryBody(OtherwiseBody):
    """With `fromPhase` everything from that phase on is done again, else only what failed."""

    from_phase: Line | None = None
    discard_foreign: StrictBool = Field(default=False, description="Give up commits of others on the branch")


class ForkBody(OtherwiseBody):
    """Where to branch off, and what kind of workflow to go on with; the same kind unless told otherwise."""

    from_phase: Line
    workflow_type: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class HandbackBody(ActorBody):
    """`message` is for the commit of what was left uncommitted."""

    message: str | None = Field(default=None, min_length=1, max_length=4000)


class MessageBody(ActorBody):
    """What the agents are to hear."""

    message: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARS)


async def _other(
    services: Services, other: Annotated[str, Path(description="A second workflow's id, or a unique beginning of it")]
) -> str:
    async with services.database.read() as connection:
        return await resolve_prefix(connection, other)


OtherId: TypeAlias = Annotated[str, Depends(_other)]


@router.post(f"{_OF_WORKFLOW}/retry", responses=problems(404, 409, 502))
async def retry_workflow(services: Services, adw_id: AdwId, body: RetryBody | None = None) -> WorkflowAnswer:
    """Runs the failed phase again as a new attempt, or everything from an earlier phase on."""
    sent = body or RetryBody()
    await check_room(services, adw_id)
    if sent.from_phase is not None:
        workflow = await services.steering.retry_from(
            adw_id,
            from_phase=sent.from_phase,
            actor=sent.actor,
            discard_foreign=sent.discard_foreign,
            otherwise=sent.otherwise,
        )
    elif sent.discard_foreign:
        raise UsageError("nothing is discarded by going on where it failed", hint="name a phase in `fromPhase`")
    else:
        workflow = await services.control.retry(adw_id, actor=sent.actor, otherwise=sent.otherwise)
    return await _answer(services, workflow)


@router.post(f"{_OF_WORKFLOW}/fork", status_code=201, responses=problems(404, 409, 502))
async def fork_workflow(
    services: Services, adw_id: AdwId, body: ForkBody, idempotency_key: IdempotencyKey
) -> AcceptedView:
    """A second workflow for the same work, from the commit before a phase, with the rest of the budget."""
    await check_room(services, adw_id)
    made = await services.steering.fork(
        adw_id,
        from_phase=body.from_phase,
        actor=body.actor,
        kind=body.workflow_type,
        key=idempotency_key,
        otherwise=body.otherwise,
    )
    return AcceptedView(adw_id=made.adw_id, workflow=await _view(services, made), notes=())


@router.get(f"{_OF_WORKFLOW}/compare/{{other}}", responses=problems(404, 502))
async def compare_workflows(services: Services, adw_id: AdwId, other: OtherId) -> ComparisonView:
    """Two runs of one project side by side: outcome, time, money, gates, and how their results differ."""
    return comparison_view(await services.steering.compare(adw_id, other))


@router.post(f"{_OF_WORKFLOW}/takeover", responses=problems(404, 409, 502))
async def take_over_workflow(services: Services, adw_id: AdwId, body: ActorBody | None = None) -> TakeoverView:
    """Stops the agent and gives the worktree to a person until they hand it back."""
    taken = await services.steering.takeover(adw_id, actor=_actor(body))
    view = await _view(services, taken.workflow)
    return TakeoverView(workflow=view, path=str(taken.path), notes=taken.notes)


@router.post(f"{_OF_WORKFLOW}/handback", responses=problems(404, 409))
async def hand_back_workflow(services: Services, adw_id: AdwId, body: HandbackBody | None = None) -> WorkflowAnswer:
    """Takes in what the person did in the worktree, and goes on."""
    sent = body or HandbackBody()
    return await _answer(services, await services.steering.handback(adw_id, actor=sent.actor, message=sent.message))


@router.post(f"{_OF_WORKFLOW}/message", status_code=201, responses=problems(404, 409))
async def send_message(
    services: Services, adw_id: AdwId, body: MessageBody, idempotency_key: IdempotencyKey
) -> MessageView:
    """Leaves a message that the workflow's agents hear at the next safe point."""
    left = await services.steering.send(adw_id, text=body.message, actor=body.actor, key=idempotency_key)
    return MessageView.model_validate(left)


@router.get(f"{_OF_WORKFLOW}/messages")
async def get_messages(services: Services, adw_id: AdwId) -> MessageList:
    """What people have said to the workflow's agents, oldest first."""
    async with services.database.read() as connection:
        found = await list_messages(connection, adw_id)
    return MessageList(messages=tuple(MessageView.model_validate(each) for each in found))


@router.get("/agents", responses=problems())
async def list_agents(services: Services) -> AgentList:
    """Agents at work just now."""
    found = await services.steering.agents()
    return AgentList(agents=tuple(AgentView.model_validate(each) for each in found))


def _actor(body: ActorBody | None) -> str:
    return "api" if body is None else body.actor


async def _answer(services: ApiServices, workflow: Workflow) -> WorkflowAnswer:
    return WorkflowAnswer(workflow=await _view(services, workflow))


async def _view(services: ApiServices, workflow: Workflow) -> WorkflowView:
    async with services.database.read() as connection:
        return await workflow_view(connection, workflow)
