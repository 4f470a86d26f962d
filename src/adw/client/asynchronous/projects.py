"""Projects and what lies on their forge, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncProjects(AsyncConnection):
    """Projects and what lies on their forge."""

    async def projects(self) -> t.ProjectListDict:
        return await self.send(calls.projects.projects())

    async def add_project(self, path: str, *, base: str | None = None) -> t.AddedProjectDict:
        """The project at an absolute path, made if it is new."""
        return await self.send(calls.projects.add_project(path, base=base))

    async def project(self, project: str) -> t.ProjectDetailDict:
        """With the commands found in it."""
        return await self.send(calls.projects.project(project))

    async def issues(self, project: str, *, state: t.IssueFilter = "open", limit: int = 50) -> t.IssueListDict:
        return await self.send(calls.projects.issues(project, state=state, limit=limit))

    async def create_issue(
        self, project: str, *, title: str, body: str = "", labels: Sequence[str] = (), key: str | None = None
    ) -> t.IssueDict:
        return await self.send(
            calls.projects.create_issue(project, title=title, body=body, labels=labels, actor=self.actor, key=key)
        )

    async def issue(self, project: str, number: int) -> t.IssueDetailDict:
        return await self.send(calls.projects.issue(project, number))

    async def comment_issue(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return await self.send(calls.projects.comment_issue(project, number, body=body, actor=self.actor, key=key))

    async def close_issue(self, project: str, number: int) -> t.IssueDict:
        return await self.send(calls.projects.close_issue(project, number))

    async def pulls(self, project: str, *, state: t.PullFilter = "open", limit: int = 50) -> t.PullListDict:
        return await self.send(calls.projects.pulls(project, state=state, limit=limit))

    async def pull(self, project: str, number: int) -> t.PullDetailDict:
        return await self.send(calls.projects.pull(project, number))

    async def pull_diff(self, project: str, number: int) -> str:
        return await self.send(calls.projects.pull_diff(project, number))

    async def comment_pull(self, project: str, number: int, *, body: str, key: str | None = None) -> t.CommentDict:
        return await self.send(calls.projects.comment_pull(project, number, body=body, actor=self.actor, key=key))

    async def review_pull(
        self,
        project: str,
        number: int,
        *,
        state: t.ReviewVerdict,
        body: str = "",
        comments: Sequence[t.ReviewCommentDict] = (),
        key: str | None = None,
    ) -> t.ReviewDict:
        return await self.send(
            calls.projects.review_pull(
                project, number, state=state, body=body, comments=comments, actor=self.actor, key=key
            )
        )

    async def ready_pull(self, project: str, number: int) -> t.PullAnswerDict:
        """Ends the draft."""
        return await self.send(calls.projects.ready_pull(project, number, actor=self.actor))

    async def merge_pull(
        self, project: str, number: int, *, expected_head_sha: str | None = None, message: str | None = None
    ) -> t.MergedDict:
        """Squashes it onto its base; `ConflictError` when that cannot be done."""
        return await self.send(
            calls.projects.merge_pull(
                project, number, expected_head_sha=expected_head_sha, message=message, actor=self.actor
            )
        )

    async def close_pull(self, project: str, number: int) -> t.PullAnswerDict:
        return await self.send(calls.projects.close_pull(project, number, actor=self.actor))
