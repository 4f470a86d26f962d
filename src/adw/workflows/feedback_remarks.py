"""What people and bots have said about a pull request, and who of them is heard.

Heard is whoever may write to the repository, asked of the forge, and bots that the project names. Our own writing is
known by its account, never by its words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adw.domain.account import Account, Permission
from adw.domain.feedback import Remark
from adw.domain.forge import Comment, Review
from adw.domain.threads import ReviewThread, ThreadComment
from adw.ports.forge import Forge
from adw.store.watches import Request

MOST_CHARS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Something that is left aside, and why. `key` names exactly this state of it."""

    key: str
    author: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Hearing:
    """One look's list of remarks. Each account is asked about once."""

    forge: Forge
    ourselves: Account
    bots: Collection[str]
    handled: Collection[str]
    since: datetime
    remarks: list[Remark] = field(default_factory=list[Remark])
    unheard: list[Unheard] = field(default_factory=list[Unheard])
    _reasons: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def take_requests(self, requests: Sequence[Request]) -> None:
        """Their authors were asked about when they came in."""
        for each in requests:
            key = f"request:{each.key}"
            if key not in self.handled:
                self.remarks.append(Remark(key=key, kind="request", id=each.key, author=each.actor, text=each.body))

    async def take_threads(self, threads: Sequence[ReviewThread], *, reopened: Collection[str]) -> None:
        for thread in threads:
            last = thread.comments[-1]
            key = f"thread:{thread.id}:{last.id}"
            is_reopened = thread.id in reopened and not thread.is_resolved
            if is_reopened and self.ourselves.is_same(last.author):
                key = f"{key}:reopened"
            elif self.ourselves.is_same(last.author):
                continue
            if thread.is_resolved or key in self.handled or last.created_at < self.since:
                continue
            await self._take_thread(thread, key, is_reopened=is_reopened)

    async def take_reviews(self, reviews: Sequence[Review]) -> None:
        """Verdicts that ask for changes, and what people say in a review without a place."""
        for each in reviews:
            key = f"review:{each.id}"
            is_idle = each.state == "approved" or each.is_dismissed or not each.body.strip()
            if is_idle or key in self.handled or each.submitted_at < self.since or self.ourselves.is_same(each.author):
                continue
            if each.state == "commented" and each.author_is_bot:
                continue
            if await self._may_speak(each.author, key, is_bot=each.author_is_bot):
                self.remarks.append(
                    Remark(key=key, kind="review", id=each.id, author=each.author, text=each.body[:MOST_CHARS])
                )

    async def take_comments(self, comments: Sequence[Comment]) -> None:
        for each in comments:
            key = f"comment:{each.id}"
            if key in self.handled or each.created_at < self.since or self.ourselves.is_same(each.author):
                continue
            if await self._may_speak(each.author, key, is_bot=each.author_is_bot):
                self.remarks.append(
                    Remark(key=key, kind="comment", id=each.id, author=each.author, text=each.body[:MOST_CHARS])
                )

    async def _take_thread(self, thread: ReviewThread, key: str, *, is_reopened: bool) -> None:
        """The whole thread, in which those who are not heard are only named."""
        speakers = [each for each in thread.comments if not self.ourselves.is_same(each.author)]
        heard = {
            each.author for each in speakers if await self._why_not(each.author, is_bot=each.author_is_bot) is None
        }
        answered = max((n for n, each in enumerate(thread.comments) if self.ourselves.is_same(each.author)), default=-1)
        fresh = [each for each in thread.comments[answered + 1 :] if each.author in heard]
        if not fresh and not (is_reopened and heard):
            last = thread.comments[-1]
            await self._may_speak(last.author, key, is_bot=last.author_is_bot)
            return
        self.remarks.append(
            Remark(
                key=key,
                kind="thread",
                id=thread.id,
                author=fresh[-1].author if fresh else thread.comments[0].author,
                text="\n\n".join(self._said(each, heard) for each in thread.comments)[-MOST_CHARS:],
                path=thread.path,
                line=thread.line,
                is_reopened=is_reopened,
            )
        )

    def _said(self, each: ThreadComment, heard: Collection[str]) -> str:
        if self.ourselves.is_same(each.author):
            return f"(our answer) {each.body}"
        if each.author not in heard:
            return f"[what {each.author} said is left out: they have no say in this]"
        return f"{each.author}: {each.body}"

    async def _may_speak(self, author: str, key: str, *, is_bot: bool) -> bool:
        reason = await self._why_not(author, is_bot=is_bot)
        if reason is not None:
            self.unheard.append(Unheard(key=key, author=author, reason=reason))
        return reason is None

    async def _why_not(self, author: str, *, is_bot: bool) -> str | None:
        """Why an account is not heard; None for one that is."""
        if author not in self._reasons:
            self._reasons[author] = await self._ask(author, is_bot=is_bot)
        return self._reasons[author]

    async def _ask(self, author: str, *, is_bot: bool) -> str | None:
        if any(Account(login=author).is_same(bot) for bot in self.bots):
            return None
        if is_bot:
            return "it is a bot that `[feedback] bots` does not name"
        permission = await self.forge.permission_of(author)
        return None if permission.allows(Permission.WRITE) else "they may not write to the repository"
