"""Workflows: looking at them, and what people can do to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from adw.api.inputs import (
    AdwId,
    CommaSeparated,
    InUtc,
    Limit,
    PageCursor,
    Services,
    WholeAdwId,
    cursor_of,
    nothing,
    parse_cursor,
)
from adw.api.openapi import problems
from adw.api.services import ApiServices
from adw.api.views.building import workflow_summaries, workflow_view
from adw.api.views.workflow import WorkflowAnswer, WorkflowPage, WorkflowView
from adw.api.wire import ActorBody
from adw.domain.kinds import canonical_kind
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.store.listing import list_short
from adw.store.projects import find_project
from adw.store.workflows import require_workflow

router = APIRouter(prefix="/api/adw/workflows", tags=["workflows"], responses=problems(404))


@router.get("")
async def list_workflows(
    services: Services,
    *,
    status: Annotated[list[Status], CommaSeparated, Query(default_factory=nothing, description="One or several")],
    kind: Annotated[str | None, Query(max_length=100)] = None,
    project: Annotated[str | None, Query(max_length=4096, description="Id, name or path")] = None,
    text: Annotated[str | None, Query(max_length=200, description="Part of the issue's title or the branch")] = None,
    since: Annotated[
        datetime | None, InUtc, Query(description="Only what was handed in at this moment or later")
    ] = None,
    limit: Limit = 50,
    after: PageCursor = None,
) -> WorkflowPage:
    """Workflows, newest first."""
    before = parse_cursor(after)
    async with services.database.look() as connection:
        found = await list_short(
            connection,
            statuses=status,
            kind=None if kind is None else canonical_kind(kind),
            project_id=None if project is None else (await find_project(connection, project)).id,
            words=text,
            since=since,
            limit=limit + 1,
            before=before,
        )
        shown = await workflow_summaries(connection, found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    return WorkflowPage(
        workflows=tuple(shown), next_cursor=None if last is None else cursor_of(last["created_at"], last["adw_id"])
    )


@router.get("/{adw_id}")
async def get_workflow(services: Services, adw_id: WholeAdwId) -> WorkflowView:
    """One workflow with everything a page about it needs at first."""
    async with services.database.look() as connection:
        return await workflow_view(connection, await require_workflow(connection, adw_id))


@router.delete("/{adw_id}", responses=problems(404, 409))
async def delete_workflow(services: Services, adw_id: AdwId) -> WorkflowAnswer:
    """Ends the workflow for good, as cancel does. A worker gives its workspace and ports back soon after.

    Its record, branch and commits stay.
    """
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


def _actor(body: ActorBody | None) -> str:
    return "api" if body is None else body.actor


async def _answer(services: ApiServices, workflow: Workflow) -> WorkflowAnswer:
    return WorkflowAnswer(workflow=await _view(services, workflow))


async def _view(services: ApiServices, workflow: Workflow) -> WorkflowView:
    async with services.database.read() as connection:
        return await workflow_view(connection, workflow)
