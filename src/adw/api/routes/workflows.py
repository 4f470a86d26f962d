"""Workflows: handing in work, looking at it, and what people can do to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StrictBool, StrictInt

from adw.api.inputs import AdwId, CommaSeparated, IdempotencyKey, Limit, Services, cursor_of, parse_cursor
from adw.api.openapi import problems
from adw.api.paths import check_reference
from adw.api.services import ApiServices
from adw.api.views.building import workflow_summary, workflow_view
from adw.api.views.workflow import AcceptedView, WorkflowAnswer, WorkflowPage, WorkflowView
from adw.api.wire import Actor, ActorBody, Amount, Body, Number
from adw.domain.agent import ModelSet
from adw.domain.kinds import normalise_kind
from adw.domain.status import Status
from adw.domain.workflow import Workflow, WorkflowOptions
from adw.intake.service import WorkRequest
from adw.store.projects import find_project
from adw.store.workflows import list_workflows as workflows_of
from adw.store.workflows import require_workflow

router = APIRouter(prefix="/api/adw/workflows", tags=["workflows"], responses=problems(404))

MAX_PRIORITY = 1000


class OptionsBody(Body):
    """Choices about how the work is done."""

    skip_e2e: StrictBool = False
    auto_resolve: StrictBool = True
    plan_approval: StrictBool | None = None


class WorkBody(Body):
    """Work to be done: an issue by its number, or a sentence that becomes one."""

    project: str = Field(min_length=1, max_length=4096, description="An absolute path, or a project's id or name")
    workflow_type: str = Field(min_length=1, max_length=100, description="Which phases, e.g. `plan-build-test`")
    issue_number: Number | None = None
    prompt: str | None = Field(default=None, min_length=1, max_length=60_000)
    model_set: ModelSet | None = None
    budget_usd: Amount | None = None
    priority: StrictInt = Field(default=0, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Larger starts sooner")
    options: OptionsBody = OptionsBody()
    actor: Actor = "api"


@router.post("", status_code=201, responses=problems(404, 409, 502))
async def create_workflow(services: Services, body: WorkBody, idempotency_key: IdempotencyKey) -> AcceptedView:
    """Takes work in. It is queued at once and done as soon as a worker is free."""
    accepted = await services.intake.accept(
        WorkRequest(
            project=check_reference(body.project),
            kind=body.workflow_type,
            actor=body.actor,
            source="api",
            issue_number=body.issue_number,
            prompt=body.prompt,
            model_set=body.model_set,
            budget_usd=body.budget_usd,
            priority=body.priority,
            options=WorkflowOptions(
                skip_e2e=body.options.skip_e2e,
                auto_resolve=body.options.auto_resolve,
                plan_approval=body.options.plan_approval,
            ),
            idempotency_key=idempotency_key,
        )
    )
    view = await _view(services, accepted.workflow)
    return AcceptedView(adw_id=accepted.workflow.adw_id, workflow=view, notes=accepted.notes)


@router.get("")
async def list_workflows(
    services: Services,
    *,
    status: Annotated[list[Status], CommaSeparated, Query(default_factory=list, description="One or several")],
    kind: Annotated[str | None, Query(max_length=100)] = None,
    project: Annotated[str | None, Query(max_length=4096, description="Id, name or path")] = None,
    text: Annotated[str | None, Query(max_length=200, description="Part of the issue's title or the branch")] = None,
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=200, description="`nextCursor` of the page before")] = None,
) -> WorkflowPage:
    """Workflows, newest first."""
    before = parse_cursor(after)
    async with services.database.read() as connection:
        found = await workflows_of(
            connection,
            statuses=status,
            kind=None if kind is None else normalise_kind(kind),
            project_id=None if project is None else (await find_project(connection, project)).id,
            words=text,
            limit=limit + 1,
            before=before,
        )
        shown = [await workflow_summary(connection, workflow) for workflow in found[:limit]]
    last = found[limit - 1] if len(found) > limit else None
    return WorkflowPage(
        workflows=tuple(shown), next_cursor=None if last is None else cursor_of(last.created_at, last.adw_id)
    )


@router.get("/{adw_id}")
async def get_workflow(services: Services, adw_id: AdwId) -> WorkflowView:
    """One workflow with everything a page about it needs at first."""
    async with services.database.read() as connection:
        return await workflow_view(connection, await require_workflow(connection, adw_id))


@router.delete("/{adw_id}", responses=problems(404, 409))
async def delete_workflow(services: Services, adw_id: AdwId) -> WorkflowAnswer:
    """The same as cancel; nothing is deleted."""
    return await _answer(services, await services.control.cancel(adw_id, actor="api"))


@router.post("/{adw_id}/pause", responses=problems(404, 409))
async def pause_workflow(services: Services, adw_id: AdwId, body: ActorBody | None = None) -> WorkflowAnswer:
    """Stops the workflow, its agents included, until somebody resumes it."""
    return await _answer(services, await services.control.pause(adw_id, actor=_actor(body)))


@router.post("/{adw_id}/resume", responses=problems(404, 409))
async def resume_workflow(services: Services, adw_id: AdwId, body: ActorBody | None = None) -> WorkflowAnswer:
    """Continues a paused workflow where it was."""
    return await _answer(services, await services.control.resume(adw_id, actor=_actor(body)))


@router.post("/{adw_id}/cancel", responses=problems(404, 409))
async def cancel_workflow(services: Services, adw_id: AdwId, body: ActorBody | None = None) -> WorkflowAnswer:
    """Ends the workflow for good. Its branch and commits stay."""
    return await _answer(services, await services.control.cancel(adw_id, actor=_actor(body)))


@router.post("/{adw_id}/retry", responses=problems(404, 409))
async def retry_workflow(services: Services, adw_id: AdwId, body: ActorBody | None = None) -> WorkflowAnswer:
    """Runs the failed phase again as a new attempt."""
    return await _answer(services, await services.control.retry(adw_id, actor=_actor(body)))


def _actor(body: ActorBody | None) -> str:
    return "api" if body is None else body.actor


async def _answer(services: ApiServices, workflow: Workflow) -> WorkflowAnswer:
    return WorkflowAnswer(workflow=await _view(services, workflow))


async def _view(services: ApiServices, workflow: Workflow) -> WorkflowView:
    async with services.database.read() as connection:
        return await workflow_view(connection, workflow)
