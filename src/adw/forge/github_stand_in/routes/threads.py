"""Remarks on places in a pull request."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.reviews import Place, review_comment_of
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.records import Issue, Pull, ReviewComment
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.pulls import review_comment_json
from adw.forge.github_stand_in.world import pull_of

_COMMENTS = "/repos/{owner}/{repo}/pulls/{pull_number}/comments"
_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{comment_id}"


class NewRemark(BaseModel):
    """A remark on a place."""

    body: str
    commit_id: str
    path: str
    line: int | None = None
    position: int | None = None
    side: Literal["LEFT", "RIGHT"] = "RIGHT"
    start_line: int | None = None
    in_reply_to: int | None = None
    subject_type: Literal["line", "file"] = "line"


class Answer(BaseModel):
    """What to say in a thread."""

    body: str


@route("GET", "/repos/{owner}/{repo}/pulls/comments")
async def list_all_review_comments(call: Call) -> Reply:
    pulls = [issue.pull for issue in call.repo.issues.values() if issue.pull]
    comments = [comment for pull in pulls for comment in pull.comments]
    comments.sort(key=lambda comment: comment.id, reverse=call.query.get("direction") == "desc")
    return _shown_all(call, comments)


@route("GET", _COMMENTS)
async def list_review_comments(call: Call) -> Reply:
    _, pull = _pull(call)
    return _shown_all(call, pull.comments)


@route("POST", _COMMENTS, needs="read")
async def create_review_comment(call: Call) -> Reply:
    issue, pull = _pull(call)
    new = call.read(NewRemark)
    if new.in_reply_to is not None:
        root = _find(pull, new.in_reply_to)
        made = call.effects.reviews.reply(call.repo, issue, pull, root, body=new.body, author=call.login)
        return _made(call, made)
    if new.commit_id != pull.head_sha:
        raise unprocessable("The commit is not the head of this pull request")
    if new.subject_type == "line" and new.line is None:
        raise unprocessable("A line is needed, or the subject type file")
    line = None if new.subject_type == "file" else new.line
    place = Place(path=new.path, body=new.body, line=line, side=new.side, start_line=new.start_line)
    return _made(call, await call.effects.reviews.remark(call.repo, issue, pull, place, author=call.login))


@route("POST", f"{_COMMENTS}/{{comment_id}}/replies", needs="read")
async def reply_to_review_comment(call: Call) -> Reply:
    issue, pull = _pull(call)
    root = _find(pull, call.number("comment_id"))
    body = call.read(Answer).body
    return _made(call, call.effects.reviews.reply(call.repo, issue, pull, root, body=body, author=call.login))


@route("GET", _COMMENT)
async def get_review_comment(call: Call) -> Reply:
    return _shown(call, review_comment_of(call.repo, call.number("comment_id")))


@route("PATCH", _COMMENT, needs="read")
async def edit_review_comment(call: Call) -> Reply:
    comment = _own(call)
    body = call.read(Answer).body
    if not body.strip():
        raise unprocessable("Body cannot be blank")
    comment.body, comment.updated_at = body, call.world.now()
    return _shown(call, comment)


@route("DELETE", _COMMENT, needs="read")
async def delete_review_comment(call: Call) -> Reply:
    comment = _own(call)
    _, pull = pull_of(call.repo, comment.number)
    pull.comments.remove(comment)
    heirs = [one for one in pull.comments if one.in_reply_to == comment.id]
    for heir in heirs:
        heir.in_reply_to = None if heir is heirs[0] else heirs[0].id
    return Reply(status=204)


def _pull(call: Call) -> tuple[Issue, Pull]:
    return pull_of(call.repo, call.number("pull_number"))


def _find(pull: Pull, comment_id: int) -> ReviewComment:
    for comment in pull.comments:
        if comment.id == comment_id:
            return comment
    raise not_found()


def _own(call: Call) -> ReviewComment:
    comment = review_comment_of(call.repo, call.number("comment_id"))
    if not call.may("write") and comment.author.lower() != call.login.lower():
        raise RefusedError(403, "You do not have permission to change this comment.")
    return comment


def _shown(call: Call, comment: ReviewComment) -> Reply:
    return Reply(json=review_comment_json(call.shapes, call.repo, comment))


def _made(call: Call, comment: ReviewComment) -> Reply:
    shown = review_comment_json(call.shapes, call.repo, comment)
    return Reply(status=201, json=shown, headers={"location": shown["url"]})


def _shown_all(call: Call, comments: list[ReviewComment]) -> Reply:
    since = call.since()
    recent = [comment for comment in comments if since is None or comment.updated_at >= since]
    return call.page(recent, shape=lambda comment: review_comment_json(call.shapes, call.repo, comment))
