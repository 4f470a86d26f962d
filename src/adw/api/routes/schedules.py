"""Work that starts by the clock: looking at it, adding and removing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.paths import check_repository
from adw.api.routes.triggers import named_project
from adw.api.views.triggers import ScheduleList, ScheduleView, schedule_view
from adw.api.wire import ActorBody
from adw.domain.kinds import check_earlier, normalise_kind
from adw.domain.schedule import Plan
from adw.intake.request import MAX_PROMPT_CHARS, WorkRequest, check_request
from adw.intake.triggers.scheduled import SOURCE, USUAL_KIND
from adw.project.base_files import BaseFiles
from adw.store import schedules

router = APIRouter(prefix="/api/schedules", tags=["schedules"], responses=problems(404, 409))


class ScheduleBody(ActorBody):
    """When, where and what."""

    project: str = Field(min_length=1, max_length=4096, description="A path, `owner/name`, an id or a name")
    cron: str = Field(min_length=1, max_length=200, description="Five fields, e.g. `0 3 * * 1`")
    zone: str = Field(default="UTC", min_length=1, max_length=100, description="Of the cron line, e.g. Europe/Berlin")
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS)
    workflow_type: str | None = Field(default=None, min_length=1, max_length=100)


@router.get("")
async def list_schedules(
    services: Services,
    project: Annotated[str | None, Query(max_length=4096, description="Only this project's: id, name or path")] = None,
) -> ScheduleList:
    """Schedules people added, and those of projects' adw.toml."""
    project_id = None if project is None else (await named_project(services, project)).id
    async with services.database.read() as connection:
        found = await schedules.list_schedules(connection, project_id=project_id)
    return ScheduleList(schedules=tuple(map(schedule_view, found)))


@router.post("", status_code=201, responses=problems(404, 409, 502))
async def add_schedule(services: Services, body: ScheduleBody) -> ScheduleView:
    """Adds one. The same plan again is the schedule there is."""
    reference = check_repository(body.project) if "/" in body.project else body.project
    kind = body.workflow_type or USUAL_KIND
    check_earlier(kind, on=None)
    check_request(WorkRequest(project=reference, kind=kind, actor=body.actor, source=SOURCE, prompt=body.prompt))
    project, base = await services.intake.open_project(reference)
    config = await BaseFiles(access=services.access, project=project, sha=base.sha).config()
    named = None if body.workflow_type is None else normalise_kind(body.workflow_type, defined=config.kinds)
    plan = Plan(cron=body.cron, prompt=body.prompt.strip(), zone=body.zone, workflow=named)
    async with services.database.begin() as connection:
        made = await schedules.add_schedule(connection, project_id=project.id, plan=plan, created_by=body.actor)
    return schedule_view(made)


@router.delete("/{schedule_id}")
async def remove_schedule(
    services: Services, schedule_id: Annotated[str, Path(max_length=100, description="Its id")]
) -> ScheduleView:
    """Removes one that a person added; what already began goes on."""
    async with services.database.begin() as connection:
        return schedule_view(await schedules.remove_schedule(connection, schedule_id))
