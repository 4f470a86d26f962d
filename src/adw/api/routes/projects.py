"""Projects: making them known, and looking at what is found in them."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath

from fastapi import APIRouter
from pydantic import Field

from adw.api.inputs import OfProject, Services
from adw.api.openapi import problems
from adw.api.paths import check_repository
from adw.api.services import ApiServices
from adw.api.views.projects import (
    AddedProject,
    BaseView,
    CommandsView,
    ProjectDetail,
    ProjectList,
    ProjectView,
    commands_view,
)
from adw.api.wire import Body, Line
from adw.domain.config import CONFIG_FILE, parse_config
from adw.domain.project import Project
from adw.store.projects import list_projects as projects_of

router = APIRouter(prefix="/api/projects", tags=["projects"], responses=problems(404))


class ProjectBody(Body):
    """A repository on the server's machine, or on GitHub."""

    path: str = Field(min_length=1, max_length=4096, description="An absolute path, `owner/name`, or an address")
    base: Line | None = None


@router.get("")
async def list_projects(services: Services) -> ProjectList:
    """Projects, oldest first."""
    async with services.database.read() as connection:
        found = await projects_of(connection)
    return ProjectList(projects=tuple(ProjectView.model_validate(project) for project in found))


@router.post("", status_code=201)
async def add_project(services: Services, body: ProjectBody) -> AddedProject:
    """Makes a repository known, or tells what is known of it already."""
    project, base = await services.intake.open_project(check_repository(body.path), base=body.base)
    view = ProjectView.model_validate(project)
    return AddedProject(project=view, base=BaseView(name=base.name, sha=base.sha), notes=base.notes)


@router.get("/{reference}")  # noqa: FAST003 # the dependency takes it
async def get_project(services: Services, project: OfProject) -> ProjectDetail:
    """A project with the commands found in it."""
    view = ProjectView.model_validate(project)
    return ProjectDetail(**dict(view), commands=await _commands(services, project))


async def _commands(services: ApiServices, project: Project) -> CommandsView | None:
    """Found in a person's checkout as it is now, with the settings of its base branch."""
    folder = FilePath(project.source)
    if not folder.is_absolute() or not (folder / ".git").exists():
        return None
    base = await services.workspaces.resolve_base(services.access.repository(project), base=project.base_branch)
    content = await services.access.read_committed(project, sha=base.sha, path=CONFIG_FILE)
    config = parse_config((content or b"").decode("utf-8", "replace"), source=f"{CONFIG_FILE} of {project.name}")
    return commands_view(await asyncio.to_thread(services.commands.detect, folder, config.commands))
