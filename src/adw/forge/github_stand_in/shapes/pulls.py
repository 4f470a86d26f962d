"""Pull requests, reviews and what is said about places."""

from __future__ import annotations

from dataclasses import dataclass

from adw.forge.github_stand_in.records import Issue, Pull, Repository, Review, ReviewComment
from adw.forge.github_stand_in.shapes.core import Json, Shapes, moment, node, reactions
from adw.forge.github_stand_in.shapes.repositories import repository_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFacts:
    """What takes git to know. `mergeable` is None while GitHub would still be at work."""

    mergeable: bool | None
    mergeable_state: str
    commits: int
    additions: int
    deletions: int
    changed_files: int


def pull_simple(shapes: Shapes, repository: Repository, issue: Issue, pull: Pull) -> Json:
    """A pull request as lists and reviews show it."""
    api, web = shapes.repo_url(repository), f"{shapes.web(repository)}/pull/{issue.number}"
    url, issue_url = f"{api}/pulls/{issue.number}", f"{api}/issues/{issue.number}"
    ways = {
        "self": url,
        "html": web,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    return {
        "id": pull.id,
        "node_id": node("PR", issue.id),
        "url": url,
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "issue_url": issue_url,
        **{f"{name}_url": ways[name] for name in ("comments", "review_comments", "review_comment", "commits")},
        "statuses_url": ways["statuses"],
        "number": issue.number,
        "state": issue.state,
        "locked": issue.locked,
        "active_lock_reason": None,
        "title": issue.title,
        "body": issue.body,
        "user": shapes.someone(issue.author),
        "labels": [
            {**label, "description": label["description"] or ""} for label in _labels(shapes, repository, issue)
        ],
        "milestone": None,
        "assignee": shapes.by(issue.assignees[0]) if issue.assignees else None,
        "assignees": [shapes.someone(login) for login in issue.assignees],
        "requested_reviewers": [shapes.someone(login) for login in pull.requested_reviewers],
        "requested_teams": [],
        "created_at": moment(issue.created_at),
        "updated_at": moment(issue.updated_at),
        "closed_at": moment(issue.closed_at),
        "merged_at": moment(pull.merged_at),
        "merge_commit_sha": pull.merge_sha,
        "head": _side(shapes, repository, pull.head_ref, pull.head_sha),
        "base": _side(shapes, repository, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": way} for name, way in ways.items()},
        "author_association": shapes.association(repository, issue.author),
        "auto_merge": _auto_merge(shapes, pull),
        "draft": pull.draft,
    }


def pull_json(shapes: Shapes, repository: Repository, issue: Issue, pull: Pull, facts: PullFacts) -> Json:
    """A pull request asked for by its number."""
    return {
        **pull_simple(shapes, repository, issue, pull),
        "merged": pull.merged_at is not None,
        "merged_by": shapes.by(pull.merged_by),
        "mergeable": facts.mergeable,
        "rebaseable": facts.mergeable,
        "mergeable_state": facts.mergeable_state,
        "comments": len(issue.comments),
        "review_comments": len(pull.comments),
        "maintainer_can_modify": False,
        "commits": facts.commits,
        "additions": facts.additions,
        "deletions": facts.deletions,
        "changed_files": facts.changed_files,
    }


def review_json(shapes: Shapes, repository: Repository, review: Review) -> Json:
    web = f"{shapes.web(repository)}/pull/{review.number}#pullrequestreview-{review.id}"
    pull = f"{shapes.repo_url(repository)}/pulls/{review.number}"
    shown: Json = {
        "id": review.id,
        "node_id": node("PRR", review.id),
        "user": shapes.someone(review.author),
        "body": review.body,
        "state": review.state,
        "html_url": web,
        "pull_request_url": pull,
        "_links": {"html": {"href": web}, "pull_request": {"href": pull}},
        "commit_id": review.commit_id,
        "author_association": shapes.association(repository, review.author),
    }
    if review.submitted_at is not None:
        shown["submitted_at"] = moment(review.submitted_at)
    return shown


def review_comment_json(shapes: Shapes, repository: Repository, comment: ReviewComment) -> Json:
    api = shapes.repo_url(repository)
    url, pull = f"{api}/pulls/comments/{comment.id}", f"{api}/pulls/{comment.number}"
    web = f"{shapes.web(repository)}/pull/{comment.number}#discussion_r{comment.id}"
    shown: Json = {
        "id": comment.id,
        "node_id": node("PRRC", comment.id),
        "url": url,
        "html_url": web,
        "pull_request_url": pull,
        "pull_request_review_id": comment.review_id,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "position": None if comment.is_outdated else 1,
        "original_position": 1,
        "commit_id": comment.commit_id,
        "original_commit_id": comment.original_commit_id,
        "user": shapes.someone(comment.author),
        "body": comment.body,
        "created_at": moment(comment.created_at),
        "updated_at": moment(comment.updated_at),
        "author_association": shapes.association(repository, comment.author),
        "_links": {"self": {"href": url}, "html": {"href": web}, "pull_request": {"href": pull}},
        "reactions": reactions(url),
        "subject_type": comment.subject_type,
        "side": comment.side,
        "line": comment.line,
        "original_line": comment.original_line,
        "start_line": comment.start_line,
        "original_start_line": comment.start_line,
        "start_side": comment.side if comment.start_line else None,
    }
    if comment.in_reply_to is not None:
        shown["in_reply_to_id"] = comment.in_reply_to
    return shown


def _labels(shapes: Shapes, repository: Repository, issue: Issue) -> list[Json]:
    return shapes.labels(repository, issue.labels)


def _side(shapes: Shapes, repository: Repository, ref: str, sha: str) -> Json:
    return {
        "label": f"{repository.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": shapes.someone(repository.owner),
        "repo": repository_of(shapes, repository),
    }


def _auto_merge(shapes: Shapes, pull: Pull) -> Json | None:
    if pull.auto_merge is None:
        return None
    return {
        "enabled_by": shapes.someone(pull.auto_merge.enabled_by),
        "merge_method": pull.auto_merge.method,
        "commit_title": pull.auto_merge.title or "",
        "commit_message": pull.auto_merge.message or "",
    }
