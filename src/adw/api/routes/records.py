"""What a workflow leaves behind, read only."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response
from fastapi.responses import PlainTextResponse

from adw.api.inputs import AdwId, Services
from adw.api.openapi import problems
from adw.api.views.building import usage_view
from adw.api.views.records import (
    ArtifactList,
    ArtifactView,
    EvidenceList,
    OutputList,
    OutputView,
    PhaseList,
    WorkflowUsage,
    evidence_view,
    phase_view,
)
from adw.kit.errors import ConflictError
from adw.store import phases, results, usage
from adw.store.accounts import account_of
from adw.store.agent_outputs import get_agent_outputs
from adw.store.projects import get_project
from adw.store.workflows import require_workflow

DIFF_TYPE = "text/x-diff"
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?")

router = APIRouter(prefix="/api/adw/workflows/{adw_id}", tags=["workflows"], responses=problems(404))


@router.get("/phases")
async def list_phases(services: Services, adw_id: AdwId) -> PhaseList:
    """Every attempt at every phase."""
    async with services.database.read() as connection:
        rows = await phases.list_phases(connection, adw_id)
    return PhaseList(phases=tuple(phase_view(row) for row in rows))


@router.get("/outputs")
async def list_outputs(services: Services, adw_id: AdwId) -> OutputList:
    """The agents' conversations: how each ended and what it used."""
    async with services.database.read() as connection:
        rows = await get_agent_outputs(connection, adw_id)
    return OutputList(outputs=tuple(OutputView.model_validate(row) for row in rows))


@router.get("/evidence")
async def list_evidence(services: Services, adw_id: AdwId) -> EvidenceList:
    """What the gates found, each bound to a commit."""
    async with services.database.read() as connection:
        rows = await phases.list_evidence(connection, adw_id)
    return EvidenceList(evidence=tuple(evidence_view(row) for row in rows))


@router.get("/usage")
async def get_usage(services: Services, adw_id: AdwId) -> WorkflowUsage:
    """Requests, tokens and money, in all and by phase."""
    async with services.database.read() as connection:
        account = await account_of(connection, adw_id)
        total = await usage.usage_of_workflow(connection, adw_id)
        by_phase = await usage.usage_by_phase(connection, adw_id)
    return WorkflowUsage(
        usage=usage_view(total),
        by_phase={phase: usage_view(used) for phase, used in by_phase.items()},
        budget_usd=account.budget_usd,
        spent_usd=account.spent_usd,
        held_usd=account.held_usd,
    )


@router.get(
    "/diff",
    response_class=PlainTextResponse,
    responses=problems(404, 409, 502) | {200: {"content": {DIFF_TYPE: {}}, "description": "A unified diff"}},
)
async def get_diff(services: Services, adw_id: AdwId) -> Response:
    """What the workflow changes; empty as long as it has no commit."""
    async with services.database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
        project = await get_project(connection, workflow.project_id)
    if workflow.pr_number is not None:
        text = await services.access.forge(project).diff(workflow.pr_number)
    elif workflow.head_sha in {None, workflow.base_sha}:
        text = ""
    else:
        raise ConflictError(
            f"workflow {adw_id} has commits but no pull request yet", hint="it opens one when its build is pushed"
        )
    return diff_response(text)


@router.get("/artifacts")
async def list_artifacts(services: Services, adw_id: AdwId) -> ArtifactList:
    """Files the workflow produced."""
    async with services.database.read() as connection:
        rows = await results.list_artifacts(connection, adw_id)
    return ArtifactList(artifacts=tuple(ArtifactView.model_validate(row) for row in rows))


@router.get(
    "/artifacts/{name:path}",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The file, as an attachment"}},
)
async def get_artifact(services: Services, adw_id: AdwId, name: Annotated[str, Path(max_length=1000)]) -> Response:
    """One file. It may hold anything an agent made, so browsers are told to save it and not to run it."""
    async with services.database.read() as connection:
        found = await results.get_artifact(connection, adw_id=adw_id, name=name)
    known = _MEDIA_TYPE.fullmatch(found.media_type) is not None
    return Response(
        found.content,
        media_type=found.media_type if known else "application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name.rsplit('/', 1)[-1], safe='')}",
            "ETag": f'"{found.sha256}"',
        },
    )


def diff_response(text: str) -> Response:
    """A diff as UTF-8, whatever bytes its files hold."""
    return Response(text.encode("utf-8", "replace"), media_type=f"{DIFF_TYPE}; charset=utf-8")
