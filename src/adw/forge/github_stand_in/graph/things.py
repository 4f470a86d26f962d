"""Pull requests and their threads as GraphQL has them."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any

from adw.forge.github_stand_in.effects import Effects
from adw.forge.github_stand_in.effects.reviews import thread_of
from adw.forge.github_stand_in.errors import unprocessable
from adw.forge.github_stand_in.graph.language import Thing
from adw.forge.github_stand_in.records import Issue, Pull, Repository, ReviewComment
from adw.forge.github_stand_in.shapes.core import Shapes, moment, node
from adw.forge.github_stand_in.shapes.pulls import review_comment_json

_MOST = 100
_MERGEABLE = {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}


class Things:
    """Builds what documents walk through."""

    def __init__(self, effects: Effects, shapes: Shapes) -> None:
        self._effects = effects
        self._shapes = shapes

    def repository(self, repository: Repository) -> Thing:
        def pull_request(*, number: int) -> Thing | None:
            issue = repository.issues.get(number)
            return self.pull(repository, issue, issue.pull) if issue and issue.pull else None

        return {
            "__typename": "Repository",
            "id": node("R", repository.id),
            "databaseId": repository.id,
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "url": self._shapes.web(repository),
            "autoMergeAllowed": repository.allow_auto_merge,
            "pullRequest": pull_request,
        }

    def pull(self, repository: Repository, issue: Issue, pull: Pull) -> Thing:
        roots = [comment for comment in pull.comments if comment.in_reply_to is None]
        threads = [self.thread(repository, issue, pull, root) for root in roots]

        async def mergeable() -> str:
            return _MERGEABLE[(await self._effects.pulls.facts(repository, issue, pull)).mergeable]

        return {
            "__typename": "PullRequest",
            "id": node("PR", issue.id),
            "databaseId": pull.id,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "url": f"{self._shapes.web(repository)}/pull/{issue.number}",
            "state": "MERGED" if pull.merged_at else issue.state.upper(),
            "isDraft": pull.draft,
            "merged": pull.merged_at is not None,
            "mergedAt": moment(pull.merged_at),
            "mergeable": mergeable,
            "headRefName": pull.head_ref,
            "headRefOid": pull.head_sha,
            "baseRefName": pull.base_ref,
            "createdAt": moment(issue.created_at),
            "updatedAt": moment(issue.updated_at),
            "author": self.actor(issue.author),
            "autoMergeRequest": self._auto_merge(issue, pull),
            "reviewThreads": partial(connection, threads),
        }

    def thread(self, repository: Repository, issue: Issue, pull: Pull, root: ReviewComment) -> Thing:
        comments = [self.comment(repository, comment) for comment in thread_of(pull, root)]
        return {
            "__typename": "PullRequestReviewThread",
            "id": node("PRRT", root.id),
            "isResolved": root.resolved_by is not None,
            "isOutdated": root.is_outdated,
            "isCollapsed": root.resolved_by is not None or root.is_outdated,
            "resolvedBy": self.actor(root.resolved_by) if root.resolved_by else None,
            "path": root.path,
            "line": root.line,
            "originalLine": root.original_line,
            "startLine": root.start_line,
            "subjectType": root.subject_type.upper(),
            "diffSide": root.side,
            "comments": partial(connection, comments),
            "pullRequest": lambda: self.pull(repository, issue, pull),
        }

    def comment(self, repository: Repository, comment: ReviewComment) -> Thing:
        return {
            "__typename": "PullRequestReviewComment",
            "id": node("PRRC", comment.id),
            "databaseId": comment.id,
            "body": comment.body,
            "createdAt": moment(comment.created_at),
            "updatedAt": moment(comment.updated_at),
            "url": review_comment_json(self._shapes, repository, comment)["html_url"],
            "path": comment.path,
            "line": comment.line,
            "diffHunk": comment.diff_hunk,
            "authorAssociation": self._shapes.association(repository, comment.author),
            "author": self.actor(comment.author),
        }

    def actor(self, login: str) -> Thing:
        """Accounts of apps go by the app's plain name here."""
        user = self._shapes.world.anybody(login)
        return {
            "__typename": user.type,
            "id": node("U", user.id),
            "databaseId": user.id,
            "login": user.login.removesuffix("[bot]"),
            "url": f"{self._shapes.world.web_url}/{user.login}",
        }

    def _auto_merge(self, issue: Issue, pull: Pull) -> Thing | None:
        if pull.auto_merge is None:
            return None
        return {
            "__typename": "AutoMergeRequest",
            "enabledAt": moment(issue.updated_at),
            "enabledBy": self.actor(pull.auto_merge.enabled_by),
            "mergeMethod": pull.auto_merge.method.upper(),
            "commitHeadline": pull.auto_merge.title,
            "commitBody": pull.auto_merge.message,
        }


def connection(things: list[Thing], *, first: int | None = None, after: str | None = None) -> Thing:
    """A page of things. Raises RefusedError (422) without a number of them to give."""
    if first is None or not 0 < first <= _MOST:
        raise unprocessable("You must provide a `first` value of at most 100 to properly paginate the connection.")
    begin = _place(after)
    chosen = things[begin : begin + first]
    end = begin + len(chosen)
    edges: list[dict[str, Any]] = [
        {"__typename": "Edge", "node": thing, "cursor": _cursor(begin + number + 1)}
        for number, thing in enumerate(chosen)
    ]
    info = {
        "__typename": "PageInfo",
        "hasNextPage": end < len(things),
        "hasPreviousPage": begin > 0,
        "startCursor": _cursor(begin + 1) if chosen else None,
        "endCursor": _cursor(end) if chosen else None,
    }
    return {"__typename": "Connection", "totalCount": len(things), "nodes": chosen, "edges": edges, "pageInfo": info}


def _cursor(place: int) -> str:
    return base64.b64encode(f"cursor:{place}".encode()).decode()


def _place(cursor: str | None) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().partition(":")[2]) if cursor else 0
    except (binascii.Error, ValueError) as error:
        raise unprocessable(f"`{cursor}` does not appear to be a valid cursor.") from error
