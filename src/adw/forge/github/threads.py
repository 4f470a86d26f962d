"""Conversations about lines of a pull request on GitHub. Whether one is settled is known to GraphQL alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES
from adw.domain.threads import ReviewThread, ThreadComment
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.graphql import ask, ask_data, inside
from adw.forge.github.client.repository import read
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.reading import Reader
from adw.forge.github.slices.pulls import ReviewCommentSlice
from adw.forge.github.texts import outgoing
from adw.kit.errors import ConflictError, NotFoundError

_MOST_PAGES = 40
_GONE = frozenset({FailureKind.NOT_FOUND})


class GitHubThreads:
    """Implements `adw.ports.forge.ThreadForge`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list_threads(self, number: int) -> list[ReviewThread]:
        reader = await self._desk.reader()
        return [self._thread(reader, number, node) for node in await self._nodes(number) if _comments(node)]

    async def reply_to_thread(
        self, number: int, *, thread_id: str, body: str, key: str | None, author: str = OURSELVES
    ) -> ThreadComment:
        del author
        text = outgoing(body, key=key, what="reply", required=True)
        reader = await self._desk.writer()
        thread = await self._one(number, thread_id)
        first = _comments(thread)[0]

        async def make() -> ReviewCommentSlice:
            path, what = f"/pulls/{number}/comments/{first.id}/replies", f"answer on #{number}"
            return await self._desk.api.change(ReviewCommentSlice, "POST", path, what=what, json={"body": text})

        async def find() -> ReviewCommentSlice | None:
            present = _comments(await self._one(number, thread_id))
            return next((said for said in present if reader.text(said.body, by=said.user)[1] == key), None)

        if key is None:
            return reader.thread_comment(await make())
        return reader.thread_comment(await self._desk.once(f"reply {thread_id} {check_key(key)}", find=find, make=make))

    async def resolve_thread(self, number: int, *, thread_id: str) -> None:
        await self._desk.writer()
        await self._desk.effects.settle(
            read=lambda: self._one(number, thread_id),
            is_done=lambda node: bool(node.get("isResolved")),
            act=lambda node: self._resolve(number, node),
        )

    async def _resolve(self, number: int, node: Mapping[str, Any]) -> Mapping[str, Any]:
        what = f"settle a conversation of #{number}"
        await ask_data(self._desk.api, "ResolveThread", {"id": node["id"]}, what=what)
        return node

    async def _one(self, number: int, thread_id: str) -> Mapping[str, Any]:
        found = next((node for node in await self._nodes(number) if node.get("id") == thread_id), None)
        if found is None or not _comments(found):
            raise NotFoundError(f"pull request #{number} has no conversation {thread_id[:60]!r}")
        return found

    async def _nodes(self, number: int) -> list[Mapping[str, Any]]:
        """All threads, each with all its comments."""
        check_number(number, what="pull request")
        variables = {"owner": self._desk.api.owner, "name": self._desk.api.name, "number": number}
        where, what = ("repository", "pullRequest", "reviewThreads"), f"read the conversations of #{number}"
        nodes, after = list[Mapping[str, Any]](), None
        for _ in range(_MOST_PAGES):
            data = await ask(self._desk.api, "Threads", {**variables, "after": after}, what=what, accept=_GONE)
            if isinstance(data, Failure) or inside(data, *where) is None:
                raise NotFoundError(f"there is no pull request #{number} in {self._desk.api.full_name}")
            page = inside(data, *where)
            nodes += [await self._whole(node) for node in _nodes(page)]
            after = _next(page)
            if after is None:
                return nodes
        raise ConflictError(f"pull request #{number} has more conversations than can be read")

    async def _whole(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """A long thread comes in pages."""
        said, after = _nodes(node.get("comments")), _next(node.get("comments"))
        for _ in range(_MOST_PAGES):
            if after is None:
                break
            variables = {"id": node.get("id"), "after": after}
            data = await ask_data(self._desk.api, "ThreadComments", variables, what="read a long conversation")
            page = inside(data, "node", "comments")
            said, after = said + _nodes(page), _next(page)
        return {**node, "comments": {"nodes": said}}

    def _thread(self, reader: Reader, number: int, node: Mapping[str, Any]) -> ReviewThread:
        line = node.get("line") or node.get("originalLine")
        return ReviewThread(
            id=str(node.get("id")),
            number=number,
            path=str(node.get("path") or ""),
            line=line if isinstance(line, int) else None,
            comments=tuple(reader.thread_comment(said) for said in _comments(node)),
            is_resolved=bool(node.get("isResolved")),
            is_outdated=bool(node.get("isOutdated")),
        )


def _comments(node: Mapping[str, Any]) -> list[ReviewCommentSlice]:
    return [_comment(said) for said in _nodes(node.get("comments"))]


def _comment(said: Mapping[str, Any]) -> ReviewCommentSlice:
    """GraphQL's words in those of REST. It calls an app by its plain name."""
    is_bot, login = inside(said, "author", "__typename") == "Bot", inside(said, "author", "login")
    user = {"login": f"{login}[bot]" if is_bot and login else login, "type": "Bot" if is_bot else "User"}
    found = {
        "id": said.get("databaseId"),
        "body": said.get("body"),
        "created_at": said.get("createdAt"),
        "html_url": said.get("url"),
        "user": user,
    }
    return read(ReviewCommentSlice, found)


def _nodes(page: Any) -> list[Mapping[str, Any]]:
    nodes = inside(page, "nodes")
    if not isinstance(nodes, list):
        return []
    return [cast("Mapping[str, Any]", node) for node in cast("list[Any]", nodes) if isinstance(node, dict)]


def _next(page: Any) -> str | None:
    after = inside(page, "pageInfo", "endCursor") if inside(page, "pageInfo", "hasNextPage") else None
    return after if isinstance(after, str) else None
