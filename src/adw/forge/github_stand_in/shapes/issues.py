"""Issues, their comments and what happened to them."""

from __future__ import annotations

from adw.forge.github_stand_in.records import Comment, Issue, IssueEvent, Repository
from adw.forge.github_stand_in.shapes.core import Json, Shapes, moment, node, reactions


def issue_json(shapes: Shapes, repository: Repository, issue: Issue) -> Json:
    """An issue; of a pull request the side that it shares with issues."""
    url = f"{shapes.repo_url(repository)}/issues/{issue.number}"
    web = f"{shapes.web(repository)}/{'pull' if issue.pull else 'issues'}/{issue.number}"
    shown: Json = {
        "id": issue.id,
        "node_id": node("PR" if issue.pull else "I", issue.id),
        "url": url,
        "repository_url": shapes.repo_url(repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": web,
        "number": issue.number,
        "state": issue.state,
        "state_reason": issue.state_reason,
        "title": issue.title,
        "body": issue.body,
        "user": shapes.someone(issue.author),
        "labels": shapes.labels(repository, issue.labels),
        "assignee": shapes.by(issue.assignees[0]) if issue.assignees else None,
        "assignees": [shapes.someone(login) for login in issue.assignees],
        "milestone": None,
        "locked": issue.locked,
        "active_lock_reason": None,
        "comments": len(issue.comments),
        "closed_at": moment(issue.closed_at),
        "closed_by": shapes.by(issue.closed_by),
        "created_at": moment(issue.created_at),
        "updated_at": moment(issue.updated_at),
        "author_association": shapes.association(repository, issue.author),
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }
    if issue.pull is not None:
        shown["draft"] = issue.pull.draft
        shown["pull_request"] = {
            "url": f"{shapes.repo_url(repository)}/pulls/{issue.number}",
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "merged_at": moment(issue.pull.merged_at),
        }
    return shown


def comment_json(shapes: Shapes, repository: Repository, comment: Comment) -> Json:
    url = f"{shapes.repo_url(repository)}/issues/comments/{comment.id}"
    part = "pull" if repository.issues[comment.number].pull else "issues"
    return {
        "id": comment.id,
        "node_id": node("IC", comment.id),
        "url": url,
        "html_url": f"{shapes.web(repository)}/{part}/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{shapes.repo_url(repository)}/issues/{comment.number}",
        "body": comment.body,
        "user": shapes.someone(comment.author),
        "created_at": moment(comment.created_at),
        "updated_at": moment(comment.updated_at),
        "author_association": shapes.association(repository, comment.author),
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }


def event_json(shapes: Shapes, repository: Repository, event: IssueEvent, *, with_issue: bool) -> Json:
    shown: Json = {
        "id": event.id,
        "node_id": node("EV", event.id),
        "url": f"{shapes.repo_url(repository)}/issues/events/{event.id}",
        "actor": shapes.someone(event.actor),
        "event": event.event,
        "commit_id": event.commit_id,
        "commit_url": None,
        "created_at": moment(event.created_at),
        "performed_via_github_app": None,
        **event.more,
    }
    if event.label is not None:
        label = repository.labels.get(event.label.lower())
        shown["label"] = {"name": event.label, "color": label.color if label else "ededed"}
    if with_issue:
        shown["issue"] = issue_json(shapes, repository, repository.issues[event.number])
    return shown
