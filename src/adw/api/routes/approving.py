"""Answering a question by a link. Looking at it changes nothing, since mail servers look at links; a button decides."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.routes.changes import workflow_diff
from adw.api.services import ApiServices
from adw.api.views.approval_page import HEADERS, AskedPage, asked_page, decided_page, unusable_page
from adw.api.views.changes import changed_files
from adw.domain.access import AccessScope, Principal, digest
from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError, ConflictError, DatabaseError, UsageError
from adw.store.approval_links import spend_link, usable_link
from adw.store.approvals import get_approval
from adw.store.projects import get_project
from adw.store.workflows import require_workflow

_REFUSALS = problems(404, 409)
_HTML: dict[str, Any] = {"text/html": {}}
_WORN_OUT = "The link does not work any more; a page says so"
_TOO_LATE = "Somebody else was faster, and a page says how it was decided; or the form is not ours"

router = APIRouter(
    prefix="/approve",
    tags=["approvals"],
    default_response_class=HTMLResponse,
    responses={
        **_REFUSALS,
        200: {"content": _HTML, "description": "A page"},
        404: {"content": {**_HTML, **_REFUSALS[404]["content"]}, "description": _WORN_OUT},
        409: {"content": {**_HTML, **_REFUSALS[409]["content"]}, "description": _TOO_LATE},
    },
)

Secret = Annotated[str, Path(max_length=100, description="Of the link")]

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["decision"],
                    "properties": {"decision": {"enum": ["allow", "deny"]}},
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.get("/{secret}")
async def show_approval(services: Services, secret: Secret) -> Response:
    """What is asked, with two buttons. Changes nothing."""
    async with services.database.read() as connection:
        link = await usable_link(connection, digest(secret))
        if link is None:
            return _page(unusable_page(), status=404)
        approval = await get_approval(connection, link.approval_id)
        workflow = await require_workflow(connection, approval.adw_id)
        project = await get_project(connection, workflow.project_id)
    change = await _size(services, workflow, project)
    page = AskedPage(approval=approval, workflow=workflow, project=project.name, person=link.person, change=change)
    return _page(asked_page(page))


@router.post("/{secret}", openapi_extra=_FORM)
async def decide_by_link(services: Services, request: Request, secret: Secret) -> Response:
    """Decides, in the name of the person the link was for. It works once."""
    async with services.database.read() as connection:
        link = await usable_link(connection, digest(secret))
    if link is None:
        return _page(unusable_page(), status=404)
    request.state.principal = Principal(name=f"link:{link.channel}", scope=AccessScope.OPERATE)
    request.state.deed_target = f"{link.approval_id} as {link.person}"
    allow = _is_allowed(await request.body())
    try:
        approval, _ = await services.control.decide(
            str(link.approval_id), allow=allow, actor=f"link:{link.channel}", reason=f"answered by {link.person}"
        )
    except ConflictError:
        async with services.database.read() as connection:
            return _page(decided_page(await get_approval(connection, link.approval_id)), status=409)
    async with services.database.begin() as connection:
        await spend_link(connection, digest(secret))
    return _page(decided_page(approval))


def _is_allowed(body: bytes) -> bool:
    """Raises UsageError for what our own page would not send."""
    try:
        sent = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
    except ValueError:
        sent = {}
    if sent not in ({"decision": ["allow"]}, {"decision": ["deny"]}):
        raise UsageError(
            "the form was not filled in as it should be", hint="open the link and press one of the buttons"
        )
    return sent == {"decision": ["allow"]}


async def _size(services: ApiServices, workflow: Workflow, project: Project) -> str:
    """A page without it is better than none: a remote may be away."""
    try:
        files = changed_files(await workflow_diff(services, workflow, project))
    except DatabaseError:
        raise
    except AdwError:
        return "not known at the moment"
    if not files:
        return "nothing yet"
    added, removed = sum(file.additions for file in files), sum(file.deletions for file in files)
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}, {added} lines added, {removed} removed"


def _page(text: str, *, status: int = 200) -> Response:
    return HTMLResponse(text, status_code=status, headers=dict(HEADERS))
