"""Reviews of pull requests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.reviews import Place
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.records import Issue, Pull, Review
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.pulls import review_comment_json, review_json
from adw.forge.github_stand_in.world import pull_of

_REVIEWS = "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"
_REVIEW = f"{_REVIEWS}/{{review_id}}"
Event = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]


class DraftComment(BaseModel):
    """A remark that comes with a review."""

    path: str
    body: str
    line: int | None = None
    position: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None


class NewReview(BaseModel):
    """A review to give."""

    commit_id: str | None = None
    body: str | None = None
    event: Event | None = None
    comments: list[DraftComment] = []


class Verdict(BaseModel):
    """What a pending review comes to."""

    event: Event
    body: str = ""


class ReviewText(BaseModel):
    """What a review says."""

    body: str


class Dismissal(BaseModel):
    """Why a review shall not count."""

    message: str


@route("GET", _REVIEWS)
async def list_reviews(call: Call) -> Reply:
    """Oldest first; those still pending are shown to their author alone."""
    _, pull = _pull(call)
    shown = [review for review in pull.reviews if review.state != "PENDING" or review.author == call.actor.login]
    return call.page(shown, shape=lambda review: review_json(call.shapes, call.repo, review))


@route("POST", _REVIEWS, needs="read")
async def create_review(call: Call) -> Reply:
    issue, pull = _pull(call)
    new = call.read(NewReview)
    if new.commit_id not in {None, "", pull.head_sha}:
        raise unprocessable("The commit is not the head of this pull request")
    review = await call.effects.reviews.create(
        call.repo,
        issue,
        pull,
        event=new.event,
        body=new.body or "",
        author=call.login,
        places=[place_of(comment) for comment in new.comments],
    )
    await call.effects.merges.consider(call.repo, pull.head_sha)
    return _shown(call, review)


@route("GET", _REVIEW)
async def get_review(call: Call) -> Reply:
    return _shown(call, _review(call))


@route("PUT", _REVIEW, needs="read")
async def edit_review(call: Call) -> Reply:
    review = _review(call)
    _check_own(call, review)
    body = call.read(ReviewText).body
    if not body.strip():
        raise unprocessable("Body cannot be blank")
    review.body = body
    return _shown(call, review)


@route("DELETE", _REVIEW, needs="read")
async def delete_review(call: Call) -> Reply:
    """Takes back a review that is still pending."""
    (_, pull), review = _pull(call), _review(call)
    _check_own(call, review)
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    reply = _shown(call, review)
    pull.reviews.remove(review)
    pull.comments = [comment for comment in pull.comments if comment.review_id != review.id]
    return reply


@route("POST", f"{_REVIEW}/events", needs="read")
async def submit_review(call: Call) -> Reply:
    (issue, pull), review, verdict = _pull(call), _review(call), call.read(Verdict)
    _check_own(call, review)
    call.effects.reviews.submit(call.repo, issue, pull, review, event=verdict.event, body=verdict.body)
    return _shown(call, review)


@route("PUT", f"{_REVIEW}/dismissals")
async def dismiss_review(call: Call) -> Reply:
    (issue, pull), review = _pull(call), _review(call)
    call.read(Dismissal)
    call.effects.reviews.dismiss(call.repo, issue, pull, review, sender=call.login)
    return _shown(call, review)


@route("GET", f"{_REVIEW}/comments")
async def list_comments_of_review(call: Call) -> Reply:
    (_, pull), review = _pull(call), _review(call)
    own = [comment for comment in pull.comments if comment.review_id == review.id]
    return call.page(own, shape=lambda comment: review_comment_json(call.shapes, call.repo, comment))


def place_of(comment: DraftComment) -> Place:
    side = comment.side if comment.side in {"LEFT", "RIGHT"} else "RIGHT"
    return Place(path=comment.path, body=comment.body, line=comment.line, side=side, start_line=comment.start_line)


def _pull(call: Call) -> tuple[Issue, Pull]:
    return pull_of(call.repo, call.number("pull_number"))


def _review(call: Call) -> Review:
    _, pull = _pull(call)
    wanted = call.number("review_id")
    for review in pull.reviews:
        if review.id == wanted:
            return review
    raise not_found()


def _check_own(call: Call, review: Review) -> None:
    if review.author.lower() != call.login.lower():
        raise RefusedError(422, "Could not find your review")


def _shown(call: Call, review: Review) -> Reply:
    return Reply(json=review_json(call.shapes, call.repo, review))
