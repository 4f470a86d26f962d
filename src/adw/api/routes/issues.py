"""Issues of a project, on whatever forge."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from adw.api.inputs import IdempotencyKey, Limit, OfProject, PathNumber, Services
from adw.api.openapi import problems
from adw.api.views.forge import CommentView, IssueDetail, IssueList, IssueView
from adw.api.wire import ActorBody, Line

MAX_BODY_CHARS = 65_536

router = APIRouter(prefix="/api/projects/{reference}/issues", tags=["issues"], responses=problems(404, 409, 502))


class IssueBody(ActorBody):
    """Work somebody wants done."""

    title: Line
    body: str = Field(default="", max_length=MAX_BODY_CHARS)
    labels: tuple[Line, ...] = Field(default=(), max_length=100)


class CommentBody(ActorBody):
    """A remark."""

    body: str = Field(min_length=1, max_length=MAX_BODY_CHARS)


@router.get("")
async def list_issues(
    services: Services,
    project: OfProject,
    state: Annotated[Literal["open", "closed", "all"], Query()] = "open",
    limit: Limit = 50,
) -> IssueList:
    """Issues, newest first."""
    forge = services.access.forge(project)
    found = await forge.list_issues(state=None if state == "all" else state, limit=limit)
    return IssueList(issues=tuple(IssueView.model_validate(issue) for issue in found))


@router.post("", status_code=201)
async def create_issue(
    services: Services, project: OfProject, body: IssueBody, idempotency_key: IdempotencyKey
) -> IssueView:
    """Writes down work without starting it."""
    issue = await services.access.forge(project).create_issue(
        title=body.title,
        body=body.body,
        labels=body.labels,
        author=body.actor,
        key=idempotency_key,
    )
    return IssueView.model_validate(issue)


@router.get("/{number}")
async def get_issue(services: Services, project: OfProject, number: PathNumber) -> IssueDetail:
    """An issue with its comments."""
    forge = services.access.forge(project)
    issue = IssueView.model_validate(await forge.get_issue(number))
    comments = [CommentView.model_validate(comment) for comment in await forge.list_comments(number)]
    return IssueDetail(**dict(issue), comments=tuple(comments))


@router.post("/{number}/comments", status_code=201)
async def comment_issue(
    services: Services,
    project: OfProject,
    number: PathNumber,
    body: CommentBody,
    idempotency_key: IdempotencyKey,
) -> CommentView:
    """Adds a remark to an issue."""
    forge = services.access.forge(project)
    comment = await forge.create_comment(number, body=body.body, key=idempotency_key, author=body.actor)
    return CommentView.model_validate(comment)


@router.post("/{number}/close")
async def close_issue(services: Services, project: OfProject, number: PathNumber) -> IssueView:
    """Closes it; a closed one stays as it is."""
    return IssueView.model_validate(await services.access.forge(project).close_issue(number))
