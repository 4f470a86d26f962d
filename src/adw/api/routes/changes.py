"""What a workflow changes: the diff, and which files it touches."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from adw.api.inputs import AdwId, Services
from adw.api.openapi import problems
from adw.api.services import ApiServices
from adw.api.views.changes import DiffStat, changed_files
from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.kit.errors import NotFoundError
from adw.store.projects import get_project
from adw.store.workflows import require_workflow

DIFF_TYPE = "text/x-diff"

router = APIRouter(prefix="/api/adw/workflows/{adw_id}/diff", tags=["workflows"], responses=problems(404, 502))


@router.get(
    "",
    response_class=PlainTextResponse,
    responses={200: {"content": {DIFF_TYPE: {}}, "description": "A unified diff"}},
)
async def get_diff(services: Services, adw_id: AdwId) -> Response:
    """What the workflow changes against its base; empty as long as it has no commit."""
    workflow, project = await _look(services, adw_id)
    return diff_response(await workflow_diff(services, workflow, project))


@router.get("/stat")
async def get_diff_stat(services: Services, adw_id: AdwId) -> DiffStat:
    """Which files it touches, and by how many lines."""
    workflow, project = await _look(services, adw_id)
    files = changed_files(await workflow_diff(services, workflow, project))
    return DiffStat(
        adw_id=workflow.adw_id,
        base=workflow.base_sha,
        head=workflow.head_sha,
        branch=workflow.branch_name,
        pr_number=workflow.pr_number,
        files=files,
        additions=sum(file.additions for file in files),
        deletions=sum(file.deletions for file in files),
    )


def diff_response(text: str) -> Response:
    """A diff as UTF-8, whatever bytes its files hold."""
    return Response(text.encode("utf-8", "replace"), media_type=f"{DIFF_TYPE}; charset=utf-8")


async def workflow_diff(services: ApiServices, workflow: Workflow, project: Project) -> str:
    """The pull request's, which follows its base branch; else that of the commits on the remote."""
    if workflow.pr_number is not None:
        try:
            return await services.access.forge(project).diff(workflow.pr_number)
        except NotFoundError:
            if workflow.head_sha is None:
                raise
    if workflow.head_sha in {None, workflow.base_sha}:
        return ""
    return await services.access.diff(project, base=workflow.base_sha, head=str(workflow.head_sha))


async def _look(services: ApiServices, adw_id: str) -> tuple[Workflow, Project]:
    async with services.database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
        return workflow, await get_project(connection, workflow.project_id)
