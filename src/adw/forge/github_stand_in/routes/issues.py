"""Issues and comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.issues import comment_of
from adw.forge.github_stand_in.errors import RefusedError, unprocessable
from adw.forge.github_stand_in.records import Comment, Issue
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.issues import comment_json, event_json, issue_json
from adw.forge.github_stand_in.world import issue_of

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"


class NamedLabel(BaseModel):
    """A label by name."""

    name: str | None = None


LabelNames = list[str | NamedLabel]


class NewIssue(BaseModel):
    """An issue to write."""

    title: str | Annotated[int, Field(strict=True)]
    body: str | None = None
    labels: LabelNames = []
    assignees: list[str] | None = None


class IssueEdit(BaseModel):
    """Changes of an issue."""

    title: str | Annotated[int, Field(strict=True)] | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None
    labels: LabelNames | None = None
    assignees: list[str] | None = None


class Text(BaseModel):
    """A comment."""

    body: str


@route("GET", "/repos/{owner}/{repo}/issues")
async def list_issues(call: Call) -> Reply:
    """Pull requests are among them, as GitHub has it."""
    found = [issue for issue in call.repo.issues.values() if _is_asked_for(call, issue)]
    found.sort(key=_order(call), reverse=call.query.get("direction", "desc") != "asc")
    return call.page(found, shape=lambda issue: issue_json(call.shapes, call.repo, issue))


@route("POST", "/repos/{owner}/{repo}/issues", needs="read")
async def create_issue(call: Call) -> Reply:
    new = call.read(NewIssue)
    labels = names_of(new.labels) if call.may("triage") else []
    issue = call.effects.issues.create(call.repo, title=str(new.title), body=new.body, author=call.login, labels=labels)
    if new.assignees and call.may("triage"):
        issue.assignees = [login for login in new.assignees if login.lower() in call.world.users]
    return Reply(status=201, json=_shown(call, issue), headers=_located(call, issue))


@route("GET", _ISSUE)
async def get_issue(call: Call) -> Reply:
    return Reply(json=_shown(call, _issue(call)))


@route("PATCH", _ISSUE, needs="read")
async def edit_issue(call: Call) -> Reply:
    issue, edit = _issue(call), call.read(IssueEdit)
    if not call.may("triage") and issue.author.lower() != call.login.lower():
        raise RefusedError(403, "You do not have permission to edit this issue.")
    given = edit.model_fields_set
    title = None if edit.title is None else str(edit.title)
    body = (edit.body or "") if "body" in given else None
    call.effects.issues.edit(call.repo, issue, title=title, body=body, sender=call.login)
    if edit.labels is not None and call.may("triage"):
        call.effects.issues.set_labels(call.repo, issue, names_of(edit.labels), sender=call.login)
    if edit.assignees is not None:
        issue.assignees = [login for login in edit.assignees if login.lower() in call.world.users]
    if edit.state == "closed":
        call.effects.issues.close(call.repo, issue, sender=call.login, reason=edit.state_reason or "completed")
    if edit.state == "open":
        reopen(call, issue)
    return Reply(json=_shown(call, issue))


@route("PUT", f"{_ISSUE}/lock")
async def lock_issue(call: Call) -> Reply:
    call.effects.issues.lock(call.repo, _issue(call), sender=call.login)
    return Reply(status=204)


@route("DELETE", f"{_ISSUE}/lock")
async def unlock_issue(call: Call) -> Reply:
    call.effects.issues.lock(call.repo, _issue(call), sender=call.login, locked=False)
    return Reply(status=204)


@route("GET", "/repos/{owner}/{repo}/issues/comments")
async def list_all_comments(call: Call) -> Reply:
    comments = [comment for issue in call.repo.issues.values() for comment in issue.comments]
    key = "created_at" if call.query.get("sort", "created") == "created" else "updated_at"
    comments.sort(key=lambda comment: (getattr(comment, key), comment.id))
    if call.query.get("direction") == "desc":
        comments.reverse()
    return _comments(call, comments)


@route("GET", f"{_ISSUE}/comments")
async def list_comments(call: Call) -> Reply:
    return _comments(call, _issue(call).comments)


@route("POST", f"{_ISSUE}/comments", needs="read")
async def create_comment(call: Call) -> Reply:
    issue = _issue(call)
    if issue.locked and not call.may("write"):
        raise RefusedError(403, "Unable to create comment because issue is locked.")
    comment = call.effects.issues.comment(call.repo, issue, body=call.read(Text).body, author=call.login)
    shown = comment_json(call.shapes, call.repo, comment)
    return Reply(status=201, json=shown, headers={"location": shown["url"]})


@route("GET", _COMMENT)
async def get_comment(call: Call) -> Reply:
    comment = comment_of(call.repo, call.number("comment_id"))
    return Reply(json=comment_json(call.shapes, call.repo, comment))


@route("PATCH", _COMMENT, needs="read")
async def edit_comment(call: Call) -> Reply:
    comment = comment_of(call.repo, call.number("comment_id"))
    _check_own(call, comment)
    body = call.read(Text).body
    if not body.strip():
        raise unprocessable("Body cannot be blank")
    call.effects.issues.edit_comment(call.repo, comment, body=body, sender=call.login)
    return Reply(json=comment_json(call.shapes, call.repo, comment))


@route("DELETE", _COMMENT, needs="read")
async def delete_comment(call: Call) -> Reply:
    comment = comment_of(call.repo, call.number("comment_id"))
    _check_own(call, comment)
    call.effects.issues.delete_comment(call.repo, comment, sender=call.login)
    return Reply(status=204)


@route("GET", "/repos/{owner}/{repo}/issues/events")
async def list_events(call: Call) -> Reply:
    """Newest first."""
    newest = call.repo.events[::-1]
    return call.page(newest, shape=lambda event: event_json(call.shapes, call.repo, event, with_issue=True))


@route("GET", f"{_ISSUE}/events")
async def list_events_of_issue(call: Call) -> Reply:
    """Oldest first, and only those about labels: others have no shape that GitHub's description knows here."""
    number = _issue(call).number
    own = [event for event in call.repo.events if event.number == number and event.label is not None]
    return call.page(own, shape=lambda event: event_json(call.shapes, call.repo, event, with_issue=False))


def names_of(labels: LabelNames) -> list[str]:
    return [label if isinstance(label, str) else label.name or "" for label in labels]


def reopen(call: Call, issue: Issue) -> None:
    """Raises RefusedError (422) for a pull request that was merged or lost its branch."""
    pull = issue.pull
    if issue.state == "closed" and pull is not None and (pull.merged_at or call.repo.head(pull.head_ref) is None):
        error = {"resource": "PullRequest", "code": "invalid", "field": "state", "message": "state cannot be changed."}
        raise RefusedError(422, "Validation Failed", errors=[error])
    call.effects.issues.reopen(call.repo, issue, sender=call.login)


def _issue(call: Call) -> Issue:
    return issue_of(call.repo, call.number("issue_number"))


def _shown(call: Call, issue: Issue) -> dict[str, Any]:
    return issue_json(call.shapes, call.repo, issue)


def _located(call: Call, issue: Issue) -> dict[str, str]:
    return {"location": f"{call.shapes.repo_url(call.repo)}/issues/{issue.number}"}


def _comments(call: Call, comments: list[Comment]) -> Reply:
    since = call.since()
    recent = [comment for comment in comments if since is None or comment.updated_at >= since]
    return call.page(recent, shape=lambda comment: comment_json(call.shapes, call.repo, comment))


def _check_own(call: Call, comment: Comment) -> None:
    if not call.may("write") and comment.author.lower() != call.login.lower():
        raise RefusedError(403, "You do not have permission to change this comment.")


def _is_asked_for(call: Call, issue: Issue) -> bool:
    state, since = call.query.get("state", "open"), call.since()
    wanted = {name.strip().lower() for name in call.query.get("labels", "").split(",") if name.strip()}
    creator = call.query.get("creator", "")
    return (
        state in {"all", issue.state}
        and wanted <= {name.lower() for name in issue.labels}
        and (since is None or issue.updated_at >= since)
        and creator.lower() in {"", issue.author.lower()}
    )


def _order(call: Call) -> Callable[[Issue], tuple[object, int]]:
    sort = call.query.get("sort", "created")

    def key(issue: Issue) -> tuple[object, int]:
        if sort == "comments":
            return len(issue.comments), issue.number
        return (issue.updated_at if sort == "updated" else issue.created_at), issue.number

    return key
