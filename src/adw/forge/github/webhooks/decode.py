"""From the body of an event to what somebody did. Whatever we do not act on is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from pydantic import ValidationError

from adw.domain.account import Account
from adw.domain.notices import (
    ChecksNotice,
    CommentNotice,
    IssueNotice,
    IssueText,
    Notice,
    Origin,
    PullRequestNotice,
    PushNotice,
)
from adw.domain.project import ForgeKind
from adw.domain.triggers import Outcome, Refused, Why
from adw.forge.github.webhooks import slices as s
from adw.forge.github.webhooks.shapes import SHAPES, check_shape

_HEADS = "refs/heads/"
_ISSUE_ACTIONS = frozenset({"opened", "labeled", "edited", "reopened", "closed"})

T = TypeVar("T", bound=s.Slice)


def decode(event: str, payload: Mapping[str, Any], *, now: datetime) -> Notice:
    """What somebody did. `now` stands for when it happened where the body does not say.

    Raises Refused for an event or action we do not use, and for a body that is not one of this event.
    """
    if event not in SHAPES:
        raise Refused(Why.EVENT_NOT_USED, f"nothing is done about `{event[:60]}`", outcome=Outcome.IGNORED)
    check_shape(event, frozenset(payload))
    try:
        return _READERS[event](payload, now)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        message = f"the body of `{event}` cannot be read at {place[:100]}"
        raise Refused(Why.MALFORMED, message) from error


def _ping(_payload: Mapping[str, Any], _now: datetime) -> Notice:
    raise Refused(Why.PING, "the webhook works", outcome=Outcome.IGNORED)


def _issues(payload: Mapping[str, Any], _now: datetime) -> Notice:
    body = s.IssuesBody.model_validate(payload)
    if body.issue.pull_request is not None:
        return _on_pull(body, body.issue, what=body.action)
    if body.action not in _ISSUE_ACTIONS:
        raise _not_used("issues", body.action)
    action = cast("Literal['opened', 'labeled', 'edited', 'reopened', 'closed']", body.action)
    if action == "labeled" and body.label is None:
        raise Refused(Why.MALFORMED, "the body of `issues` names no label that was put on it")
    at = body.issue.created_at if action == "opened" else body.issue.updated_at
    label = body.label.name if body.label is not None and action == "labeled" else None
    return IssueNotice(origin=_origin(body, at), action=action, issue=_issue(body.issue), label=label)


def _issue_comment(payload: Mapping[str, Any], _now: datetime) -> Notice:
    body = s.IssueCommentBody.model_validate(payload)
    is_on_pull = body.issue.pull_request is not None
    if body.action != "created":
        if is_on_pull:
            return _on_pull(body, body.issue, what=f"comment_{body.action}")
        raise _not_used("issue_comment", body.action)
    return CommentNotice(
        origin=_origin(body, body.comment.created_at),
        comment_id=str(body.comment.id),
        number=body.issue.number,
        body=body.comment.body,
        on_pull_request=is_on_pull,
        issue=None if is_on_pull else _issue(body.issue),
    )


def _pull_request(payload: Mapping[str, Any], _now: datetime) -> Notice:
    body = s.PullRequestBody.model_validate(payload)
    pull = body.pull_request
    # A branch of a fork may be called like one of ours.
    is_own = pull.head.repo is not None and pull.head.repo.full_name.lower() == body.repository.full_name.lower()
    return PullRequestNotice(
        origin=_origin(body, pull.updated_at),
        number=pull.number,
        what=body.action,
        head_sha=pull.head.sha,
        branch=pull.head.ref if is_own else None,
    )


def _checks(model: type[T], part: str) -> Callable[[Mapping[str, Any], datetime], Notice]:
    def read(payload: Mapping[str, Any], now: datetime) -> Notice:
        body = cast("s.Body", model.model_validate(payload))
        check: s.CheckSlice = getattr(body, part)
        return ChecksNotice(origin=_origin(body, now), sha=check.head_sha, branches=check.branches)

    return read


def _status(payload: Mapping[str, Any], now: datetime) -> Notice:
    body = s.StatusBody.model_validate(payload)
    branches = tuple(branch.name for branch in body.branches)
    return ChecksNotice(origin=_origin(body, now), sha=body.sha, branches=branches)


def _push(payload: Mapping[str, Any], now: datetime) -> Notice:
    body = s.PushBody.model_validate(payload)
    if not body.ref.startswith(_HEADS):
        raise Refused(Why.ACTION_NOT_USED, "nothing is done about tags", outcome=Outcome.IGNORED)
    return PushNotice(origin=_origin(body, now), branch=body.ref.removeprefix(_HEADS), sha=body.head)


_READERS: Mapping[str, Callable[[Mapping[str, Any], datetime], Notice]] = {
    "ping": _ping,
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request": _pull_request,
    "pull_request_review": _pull_request,
    "pull_request_review_comment": _pull_request,
    "pull_request_review_thread": _pull_request,
    "check_run": _checks(s.CheckRunBody, "check_run"),
    "check_suite": _checks(s.CheckSuiteBody, "check_suite"),
    "workflow_run": _checks(s.WorkflowRunBody, "workflow_run"),
    "workflow_job": _checks(s.WorkflowJobBody, "workflow_job"),
    "status": _status,
    "push": _push,
}


def _on_pull(body: s.Body, issue: s.IssueSlice, *, what: str) -> PullRequestNotice:
    return PullRequestNotice(origin=_origin(body, issue.updated_at), number=issue.number, what=what)


def _origin(body: s.Body, at: datetime) -> Origin:
    return Origin(
        forge=ForgeKind.GITHUB,
        repository=body.repository.full_name,
        sender=body.sender.account,
        at=at.astimezone(UTC),
    )


def _issue(issue: s.IssueSlice) -> IssueText:
    return IssueText(
        number=issue.number,
        title=issue.title,
        body=issue.body,
        state=issue.state,
        author=Account(login=s.NOBODY) if issue.user is None else issue.user.account,
        labels=tuple(label.name for label in issue.labels),
    )


def _not_used(event: str, action: str) -> Refused:
    message = f"nothing is done about `{event}` {action[:60]!r}"
    return Refused(Why.ACTION_NOT_USED, message, outcome=Outcome.IGNORED)
