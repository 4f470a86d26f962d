"""Issues and comments of the local forge."""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES, Comment, Issue, IssueState
from adw.domain.forge_text import check_body, check_labels, check_name, check_title
from adw.forge.local.numbers import row_id
from adw.store import local_forge as rows
from adw.store.watches import wake_watches


class LocalIssues:
    """Implements `adw.ports.forge.IssueForge`. Keys have a column of their own, so no text can pose as one."""

    def __init__(self, begin: rows.Begin, *, project_id: str) -> None:
        self._begin = begin
        self._project_id = project_id

    async def get_issue(self, number: int) -> Issue:
        async with self._begin() as connection:
            return await rows.get_issue(connection, project_id=self._project_id, number=number)

    async def list_issues(self, *, state: IssueState | None = "open", limit: int = 50) -> list[Issue]:
        async with self._begin() as connection:
            return await rows.list_issues(connection, project_id=self._project_id, state=state, limit=limit)

    async def create_issue(
        self, *, title: str, body: str, key: str | None, author: str = OURSELVES, labels: Sequence[str] = ()
    ) -> Issue:
        checked_key = _checked(key)
        async with self._begin() as connection:
            return await rows.create_issue(
                connection,
                project_id=self._project_id,
                title=check_title(title),
                body=check_body(body),
                author=check_name(author),
                labels=check_labels(labels),
                key=checked_key,
            )

    async def close_issue(self, number: int) -> Issue:
        async with self._begin() as connection:
            return await rows.close_issue(connection, project_id=self._project_id, number=number)

    async def list_comments(self, number: int) -> list[Comment]:
        async with self._begin() as connection:
            return await rows.list_comments(connection, project_id=self._project_id, number=number)

    async def create_comment(self, number: int, *, body: str, key: str | None, author: str = OURSELVES) -> Comment:
        text, name, checked_key = check_body(body, required=True), check_name(author), _checked(key)
        async with self._begin() as connection:
            said = await rows.create_comment(
                connection, project_id=self._project_id, number=number, body=text, author=name, key=checked_key
            )
            if name != OURSELVES:
                await wake_watches(connection, project_id=self._project_id, pr_number=number)
            return said

    async def update_comment(self, comment_id: str, *, body: str) -> Comment:
        text = check_body(body, required=True)
        async with self._begin() as connection:
            return await rows.update_comment(
                connection, project_id=self._project_id, comment_id=row_id(comment_id, what="comment"), body=text
            )

    async def upsert_comment(self, number: int, *, body: str, key: str, author: str = OURSELVES) -> Comment:
        text, name = check_body(body, required=True), check_name(author)
        async with self._begin() as connection:
            comment = await rows.create_comment(
                connection, project_id=self._project_id, number=number, body=text, author=name, key=check_key(key)
            )
            if comment.body == text:
                return comment
            return await rows.update_comment(
                connection, project_id=self._project_id, comment_id=row_id(comment.id, what="comment"), body=text
            )


def _checked(key: str | None) -> str | None:
    return None if key is None else check_key(key)
