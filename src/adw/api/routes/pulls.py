"""Pull requests of a project: reading, discussing, and the verdict."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field

from adw.api.inputs import IdempotencyKey, Limit, OfProject, PathNumber, Services
from adw.api.openapi import problems
from adw.api.routes.changes import DIFF_TYPE, diff_response
from adw.api.routes.issues import MAX_BODY_CHARS, CommentBody
from adw.api.views.forge import (
    CommentView,
    MergedView,
    PullAnswer,
    PullDetail,
    PullList,
    PullView,
    ReviewView,
)
from adw.api.wire import ActorBody, Body, Line, Number
from adw.control.pulls import PullRequests, Verdict
from adw.domain.forge import PullRequestFilter, ReviewComment, ReviewState

router = APIRouter(prefix="/api/projects/{reference}/pulls", tags=["pull requests"], responses=problems(404, 409, 502))


class ReviewCommentBody(Body):
    """A remark on one line, or on a whole file."""

    path: Line
    line: Number | None = None
    body: str = Field(min_length=1, max_length=MAX_BODY_CHARS)


class ReviewBody(ActorBody):
    """A verdict on the present head."""

    state: ReviewState
    body: str = Field(default="", max_length=MAX_BODY_CHARS)
    comments: tuple[ReviewCommentBody, ...] = Field(default=(), max_length=200)


class MergeBody(ActorBody):
    """How to merge: at the present head unless `expectedHeadSha` names the commit that was looked at."""

    expected_head_sha: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    message: str | None = Field(default=None, min_length=1, max_length=MAX_BODY_CHARS)


def _pull_requests(services: Services) -> PullRequests:
    return PullRequests(database=services.database, access=services.access)


Pulls: TypeAlias = Annotated[PullRequests, Depends(_pull_requests)]


@router.get("")
async def list_pulls(
    services: Services,
    project: OfProject,
    state: Annotated[PullRequestFilter, Query()] = "open",
    limit: Limit = 50,
) -> PullList:
    """Pull requests, newest first."""
    found = await services.access.forge(project).list_pull_requests(state=state, limit=limit)
    return PullList(pulls=tuple(PullView.model_validate(pull) for pull in found))


@router.get("/{number}")
async def get_pull(services: Services, project: OfProject, pulls: Pulls, number: PathNumber) -> PullDetail:
    """A pull request with its comments and reviews."""
    forge = services.access.forge(project)
    pull = PullView.model_validate(await forge.get_pull_request(number))
    workflow = await pulls.workflow_of(project, number)
    return PullDetail(
        **dict(pull),
        comments=tuple(CommentView.model_validate(comment) for comment in await forge.list_comments(number)),
        reviews=tuple(ReviewView.model_validate(review) for review in await forge.list_reviews(number)),
        adw_id=None if workflow is None else workflow.adw_id,
    )


@router.get(
    "/{number}/diff",
    response_class=PlainTextResponse,
    responses={200: {"content": {DIFF_TYPE: {}}, "description": "A unified diff"}},
)
async def get_pull_diff(services: Services, project: OfProject, number: PathNumber) -> Response:
    """What it changes since it left its base."""
    return diff_response(await services.access.forge(project).diff(number))


@router.post("/{number}/comments", status_code=201)
async def comment_pull(
    services: Services,
    project: OfProject,
    number: PathNumber,
    body: CommentBody,
    idempotency_key: IdempotencyKey,
) -> CommentView:
    """Adds a remark to a pull request."""
    forge = services.access.forge(project)
    await forge.get_pull_request(number)
    comment = await forge.create_comment(number, body=body.body, key=idempotency_key, author=body.actor)
    return CommentView.model_validate(comment)


@router.post("/{number}/reviews", status_code=201)
async def review_pull(
    services: Services,
    project: OfProject,
    number: PathNumber,
    body: ReviewBody,
    idempotency_key: IdempotencyKey,
) -> ReviewView:
    """A verdict on the present head."""
    review = await services.access.forge(project).add_review(
        number,
        state=body.state,
        body=body.body,
        key=idempotency_key,
        author=body.actor,
        comments=[ReviewComment(path=item.path, line=item.line, body=item.body) for item in body.comments],
    )
    return ReviewView.model_validate(review)


@router.post("/{number}/ready")
async def ready_pull(project: OfProject, pulls: Pulls, number: PathNumber, body: ActorBody | None = None) -> PullAnswer:
    """Ends the draft; one that is ready or merged stays as it is."""
    return _answer(await pulls.mark_ready(project, number, actor=(body or ActorBody()).actor))


@router.post("/{number}/merge")
async def merge_pull(project: OfProject, pulls: Pulls, number: PathNumber, body: MergeBody | None = None) -> MergedView:
    """Squashes it onto its base and closes its issue; of a merged one, tells the merge that was."""
    sent = body or MergeBody()
    verdict = await pulls.merge(
        project, number, expected_head_sha=sent.expected_head_sha, message=sent.message, actor=sent.actor
    )
    return MergedView(**dict(_answer(verdict)), sha=verdict.sha, note=verdict.note)


@router.post("/{number}/close")
async def close_pull(project: OfProject, pulls: Pulls, number: PathNumber, body: ActorBody | None = None) -> PullAnswer:
    """Closes it without merging; a closed one stays as it is."""
    return _answer(await pulls.close(project, number, actor=(body or ActorBody()).actor))


def _answer(verdict: Verdict) -> PullAnswer:
    adw_id = None if verdict.workflow is None else verdict.workflow.adw_id
    return PullAnswer(pull=PullView.model_validate(verdict.pull), adw_id=adw_id)
