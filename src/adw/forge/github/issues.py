"""Issues and comments on GitHub."""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES, Comment, Issue, IssueState
from adw.domain.forge_text import check_labels, check_title
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.repository import items_of, read, segment
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.slices.issues import CommentSlice, IssueSlice
from adw.forge.github.texts import as_read, outgoing, same_text
from adw.kit.errors import NotFoundError

_NEWEST = {"sort": "created", "direction": "desc"}


class GitHubIssues:
    """Implements `adw.ports.forge.IssueForge`. Everything is written by our own account, whatever `author` says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_issue(self, number: int) -> Issue:
        return (await self._desk.reader()).issue(await self._issue(number))

    async def list_issues(self, *, state: IssueState | None = "open", limit: int = 50) -> list[Issue]:
        reader, found = await self._desk.reader(), list[Issue]()
        query = {**_NEWEST, "state": state or "all"}
        async for item in self._desk.api.each(IssueSlice, "/issues", what="list issues", query=query):
            if item.pull_request is None:
                found.append(reader.issue(item))
            if len(found) >= limit:
                break
        return sorted(found, key=lambda issue: -issue.number)[:limit]

    async def create_issue(
        self, *, title: str, body: str, key: str | None, author: str = OURSELVES, labels: Sequence[str] = ()
    ) -> Issue:
        del author
        content = {
            "title": check_title(title),
            "body": outgoing(body, key=key),
            "labels": list(check_labels(labels)),
        }
        reader = await self._desk.writer()

        async def make() -> IssueSlice:
            return await self._desk.api.change(IssueSlice, "POST", "/issues", what="create an issue", json=content)

        if key is None:
            return reader.issue(await make())
        return reader.issue(
            await self._desk.once(f"issue {check_key(key)}", find=lambda: self._issue_of(key), make=make)
        )

    async def close_issue(self, number: int) -> Issue:
        async def close(_: IssueSlice) -> IssueSlice:
            return await self._desk.api.change(
                IssueSlice, "PATCH", f"/issues/{number}", what=f"close issue #{number}", json={"state": "closed"}
            )

        closed = await self._desk.effects.settle(
            read=lambda: self._issue(number), is_done=lambda issue: issue.state == "closed", act=close
        )
        return (await self._desk.reader()).issue(closed)

    async def list_comments(self, number: int) -> list[Comment]:
        reader = await self._desk.reader()
        return [reader.comment(found, number=number) for found in await self._comments(number)]

    async def create_comment(self, number: int, *, body: str, key: str | None, author: str = OURSELVES) -> Comment:
        del author
        check_number(number, what="issue")
        text = outgoing(body, key=key, required=True)
        reader = await self._desk.writer()

        async def make() -> CommentSlice:
            path, what = f"/issues/{number}/comments", f"comment on #{number}"
            return await self._desk.api.change(CommentSlice, "POST", path, what=what, json={"body": text})

        if key is None:
            return reader.comment(await make(), number=number)
        name = f"comment {number} {check_key(key)}"
        made = await self._desk.once(name, find=lambda: self._comment_of(number, key), make=make)
        return reader.comment(made, number=number)

    async def update_comment(self, comment_id: str, *, body: str) -> Comment:
        outgoing(body, key=None, required=True)
        present = await self._comment(comment_id)
        return await self._edit(present, number=present.number, body=body)

    async def upsert_comment(self, number: int, *, body: str, key: str, author: str = OURSELVES) -> Comment:
        comment = await self.create_comment(number, body=body, key=key, author=author)
        if same_text(comment.body, as_read(outgoing(body, key=key))):
            return comment
        return await self._edit(await self._comment(comment.id), number=number, body=body)

    async def add_labels(self, number: int, labels: Sequence[str]) -> None:
        check_number(number, what="issue")
        names = check_labels(labels)
        if names:
            path, what = f"/issues/{number}/labels", f"label #{number}"
            await self._desk.api.send("POST", path, what=what, json={"labels": list(names)}, is_repeatable=True)

    async def remove_label(self, number: int, label: str) -> None:
        check_number(number, what="issue")
        path, what = f"/issues/{number}/labels/{segment(label)}", f"take a label off #{number}"
        await self._desk.api.send("DELETE", path, what=what, accept={FailureKind.NOT_FOUND})

    async def _issue(self, number: int) -> IssueSlice:
        check_number(number, what="issue")
        found = await self._desk.api.get(IssueSlice, f"/issues/{number}", what=f"read issue #{number}")
        if found.pull_request is not None:
            raise NotFoundError(f"#{number} of {self._desk.api.full_name} is a pull request, not an issue")
        return found

    async def _issue_of(self, key: str) -> IssueSlice | None:
        """What the key made, among what our own account wrote."""
        reader = await self._desk.writer()
        query = {**_NEWEST, "state": "all", "creator": await self._desk.login()}
        async for found in self._desk.api.each(IssueSlice, "/issues", what="list our issues", query=query):
            if found.pull_request is None and reader.key_of(found) == key:
                return found
        return None

    async def _comments(self, number: int) -> list[CommentSlice]:
        check_number(number, what="issue")
        path, what = f"/issues/{number}/comments", f"read the comments on #{number}"
        return [
            read(CommentSlice, item) async for page in self._desk.api.pages(path, what=what) for item in items_of(page)
        ]

    async def _comment_of(self, number: int, key: str) -> CommentSlice | None:
        reader = await self._desk.writer()
        return next((found for found in await self._comments(number) if reader.key_of(found) == key), None)

    async def _comment(self, comment_id: str) -> CommentSlice:
        if not (comment_id.isascii() and comment_id.isdigit() and len(comment_id) <= 18):  # noqa: PLR2004 - 64 bits
            raise NotFoundError(f"there is no comment {comment_id[:40]!r} in {self._desk.api.full_name}")
        what = f"read comment {comment_id}"
        return await self._desk.api.get(CommentSlice, f"/issues/comments/{comment_id}", what=what)

    async def _edit(self, comment: CommentSlice, *, number: int, body: str) -> Comment:
        reader = await self._desk.writer()
        text = outgoing(body, key=reader.key_of(comment), required=True)
        path, what = f"/issues/comments/{comment.id}", f"edit comment {comment.id}"

        async def edit(_: CommentSlice) -> CommentSlice:
            return await self._desk.api.change(CommentSlice, "PATCH", path, what=what, json={"body": text})

        done = await self._desk.effects.settle(
            read=lambda: self._comment(str(comment.id)), is_done=lambda found: same_text(found.body, text), act=edit
        )
        return reader.comment(done, number=number)
