"""Calls about projects and what lies on their forge."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import types as t
from adw.client.calls.call import Call, of_project


def projects() -> Call[t.ProjectListDict]:
    return Call(method="GET", path="/api/projects")


def add_project(path: str, *, base: str | None) -> Call[t.AddedProjectDict]:
    return Call(method="POST", path="/api/projects", body={"path": path, "base": base})


def project(reference: str) -> Call[t.ProjectDetailDict]:
    return of_project("GET", reference)


def issues(reference: str, *, state: t.IssueFilter, limit: int) -> Call[t.IssueListDict]:
    return of_project("GET", reference, "issues", params={"state": state, "limit": limit})


def create_issue(
    reference: str, *, title: str, body: str, labels: Sequence[str], actor: str, key: str | None
) -> Call[t.IssueDict]:
    sent = {"title": title, "body": body, "labels": list(labels), "actor": actor}
    return of_project("POST", reference, "issues", body=sent, key=key)


def issue(reference: str, number: int) -> Call[t.IssueDetailDict]:
    return of_project("GET", reference, "issues", str(number))


def comment_issue(reference: str, number: int, *, body: str, actor: str, key: str | None) -> Call[t.CommentDict]:
    sent = {"body": body, "actor": actor}
    return of_project("POST", reference, "issues", str(number), "comments", body=sent, key=key)


def close_issue(reference: str, number: int) -> Call[t.IssueDict]:
    return of_project("POST", reference, "issues", str(number), "close")


def pulls(reference: str, *, state: t.PullFilter, limit: int) -> Call[t.PullListDict]:
    return of_project("GET", reference, "pulls", params={"state": state, "limit": limit})


def pull(reference: str, number: int) -> Call[t.PullDetailDict]:
    return of_project("GET", reference, "pulls", str(number))


def pull_diff(reference: str, number: int) -> Call[str]:
    return of_project("GET", reference, "pulls", str(number), "diff", answer="text")


def comment_pull(reference: str, number: int, *, body: str, actor: str, key: str | None) -> Call[t.CommentDict]:
    sent = {"body": body, "actor": actor}
    return of_project("POST", reference, "pulls", str(number), "comments", body=sent, key=key)


def review_pull(
    reference: str,
    number: int,
    *,
    state: t.ReviewVerdict,
    body: str,
    comments: Sequence[t.ReviewCommentDict],
    actor: str,
    key: str | None,
) -> Call[t.ReviewDict]:
    sent = {"state": state, "body": body, "comments": list(comments), "actor": actor}
    return of_project("POST", reference, "pulls", str(number), "reviews", body=sent, key=key)


def ready_pull(reference: str, number: int, *, actor: str) -> Call[t.PullAnswerDict]:
    return of_project("POST", reference, "pulls", str(number), "ready", body={"actor": actor})


def merge_pull(
    reference: str, number: int, *, expected_head_sha: str | None, message: str | None, actor: str
) -> Call[t.MergedDict]:
    sent = {"expectedHeadSha": expected_head_sha, "message": message, "actor": actor}
    return of_project("POST", reference, "pulls", str(number), "merge", body=sent)


def close_pull(reference: str, number: int, *, actor: str) -> Call[t.PullAnswerDict]:
    return of_project("POST", reference, "pulls", str(number), "close", body={"actor": actor})
