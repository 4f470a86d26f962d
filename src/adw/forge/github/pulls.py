"""Pull requests on GitHub."""

from __future__ import annotations

from typing import Any

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES, PullRequest, PullRequestFilter
from adw.domain.forge_text import check_branch, check_title
from adw.forge.github.branches import branch_head
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.repository import read
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.drafts import set_draft
from adw.forge.github.reading import WIP
from adw.forge.github.slices.pulls import PullSlice
from adw.forge.github.texts import outgoing, same_text
from adw.kit.errors import ConflictError, ForgeUnclearError, UsageError

_NEWEST = {"sort": "created", "direction": "desc"}


class GitHubPulls:
    """Implements the part of `adw.ports.forge.PullRequestForge` about the pull requests themselves."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_pull_request(self, number: int) -> PullRequest:
        return (await self._desk.reader()).pull(await read_pull(self._desk, number))

    async def list_pull_requests(self, *, state: PullRequestFilter = "open", limit: int = 50) -> list[PullRequest]:
        reader, found = await self._desk.reader(), list[PullRequest]()
        query = {**_NEWEST, "state": "closed" if state == "merged" else state}
        async for item in self._desk.api.each(PullSlice, "/pulls", what="list pull requests", query=query):
            pull = reader.pull(item)
            if state in {"open", "all"} or pull.state == state:
                found.append(pull)
            if len(found) >= limit:
                break
        return sorted(found, key=lambda pull: -pull.number)[:limit]

    async def find_pull_request(self, head: str) -> PullRequest | None:
        found = await self._of_branch(check_branch(head), state="open")
        return (await self._desk.reader()).pull(found[0]) if found else None

    async def ensure_pull_request(
        self, *, head: str, base: str, title: str, body: str, draft: bool, key: str | None, author: str = OURSELVES
    ) -> PullRequest:
        del author
        head, base, title = check_branch(head), check_branch(base), check_title(title)
        content = {"head": head, "base": base, "title": title, "body": outgoing(body, key=key), "draft": draft}
        reader = await self._desk.writer()
        if key is not None:
            check_key(key)

        async def find() -> PullSlice | None:
            known = await self._of_branch(head, state="all" if key is not None else "open")
            is_open = next((pull for pull in known if pull.state == "open"), None)
            return is_open or next((pull for pull in known if key and reader.key_of(pull) == key), None)

        found = await self._desk.once(f"pull {head}", find=find, make=lambda: self._open(content))
        if found.state == "open" and found.base.ref != base:
            raise ConflictError(f"branch {head} has pull request #{found.number} already, towards {found.base.ref}")
        return reader.pull(found)

    async def update_pull_request(
        self, number: int, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        reader = await self._desk.writer()
        new_title = None if title is None else check_title(title)
        if body is not None:
            outgoing(body, key=None)

        def wanted(pull: PullSlice) -> dict[str, str]:
            changes: dict[str, str] = {}
            if new_title is not None:
                changes["title"] = f"{WIP}{new_title}" if reader.is_wip(pull) else new_title
            if body is not None:
                changes["body"] = outgoing(body, key=reader.key_of(pull))
            return changes

        return reader.pull(
            await self._desk.effects.settle(
                read=lambda: read_pull(self._desk, number),
                is_done=lambda pull: all(same_text(getattr(pull, name), text) for name, text in wanted(pull).items()),
                act=lambda pull: edit_pull(self._desk, number, wanted(pull), what="edit"),
            )
        )

    async def mark_ready(self, number: int) -> PullRequest:
        return await set_draft(self._desk, number, draft=False)

    async def mark_draft(self, number: int) -> PullRequest:
        return await set_draft(self._desk, number, draft=True)

    async def close_pull_request(self, number: int) -> PullRequest:
        closed = await self._desk.effects.settle(
            read=lambda: read_pull(self._desk, number),
            is_done=lambda pull: pull.state == "closed",
            act=lambda _: edit_pull(self._desk, number, {"state": "closed"}, what="close"),
        )
        if closed.merged_at is not None:
            raise ConflictError(f"pull request #{number} is merged already and cannot be closed")
        return (await self._desk.reader()).pull(closed)

    async def branch_head(self, branch: str) -> str | None:
        return await branch_head(self._desk.api, branch)

    async def _open(self, content: dict[str, Any]) -> PullSlice:
        head, base = str(content["head"]), str(content["base"])
        what = f"open a pull request of {head}"
        for attempt in (content, {**content, "draft": False, "title": f"{WIP}{content['title']}"}):
            answer = await self._desk.api.send("POST", "/pulls", what=what, json=attempt, accept={FailureKind.INVALID})
            if answer.failure is None:
                return read(PullSlice, answer.json())
            if not (attempt["draft"] and answer.failure.says("draft")):
                raise await self._why_not(answer.failure, head=head, base=base)
        raise AssertionError

    async def _why_not(self, failure: Failure, *, head: str, base: str) -> Exception:
        if failure.says("already exists"):
            return ForgeUnclearError(f"branch {head} has a pull request already, which GitHub does not show yet")
        if failure.says("no commits between"):
            return ConflictError(f"branch {head} has no commit that {base} lacks", hint="push a commit first")
        if await branch_head(self._desk.api, head) is None:
            return ConflictError(f"there is no branch {head} to open a pull request for", hint="push it first")
        if await branch_head(self._desk.api, base) is None:
            return ConflictError(f"there is no branch {base} to merge into")
        return UsageError(f"GitHub refused to open a pull request of {head}: {failure}")

    async def _of_branch(self, head: str, *, state: str) -> list[PullSlice]:
        """Newest first. GitHub ignores a filter it does not understand, so the answer is filtered once more."""
        query = {**_NEWEST, "state": state, "head": f"{self._desk.api.owner}:{head}"}
        what, found = f"find the pull request of {head}", list[PullSlice]()
        async for pull in self._desk.api.each(PullSlice, "/pulls", what=what, query=query):
            if pull.head.ref == head and not self._is_foreign(pull):
                found.append(pull)
        return found

    def _is_foreign(self, pull: PullSlice) -> bool:
        return pull.head.repo is not None and pull.head.repo.full_name.lower() != self._desk.api.full_name.lower()


async def read_pull(desk: Desk, number: int) -> PullSlice:
    check_number(number, what="pull request")
    return await desk.api.get(PullSlice, f"/pulls/{number}", what=f"read pull request #{number}")


async def edit_pull(desk: Desk, number: int, changes: dict[str, str], *, what: str) -> PullSlice:
    """`what` is a verb."""
    what = f"{what} pull request #{number}"
    return await desk.api.change(PullSlice, "PATCH", f"/pulls/{number}", what=what, json=changes)
