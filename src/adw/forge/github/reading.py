"""Slices turned into the words of the domain. A marker counts only in what our own account wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adw.domain.account import Account
from adw.domain.effect_key import unmark
from adw.domain.forge import Comment, Issue, PullRequest, PullRequestState, Review, ReviewComment, ReviewState
from adw.domain.threads import ThreadComment
from adw.forge.github.slices.base import User
from adw.forge.github.slices.issues import CommentSlice, IssueSlice
from adw.forge.github.slices.pulls import PullSlice, ReviewCommentSlice, ReviewSlice

WIP = "[WIP] "
"""Begins the title of a draft where GitHub allows no drafts."""

_BEHIND = "behind"
_VERDICTS: dict[str, ReviewState] = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`ours` is the account our writing appears under, None while nobody is logged in."""

    ours: Account | None

    def is_ours(self, user: User) -> bool:
        """Only this very account: a person may be called like an app."""
        return self.ours is not None and self.ours.login.lower() == user.login.lower()

    def text(self, text: str, *, by: User) -> tuple[str, str | None]:
        """The text as a person should read it, and the key of the effect it came from."""
        if not self.is_ours(by):
            return text, None
        body, key = unmark(text)
        return (body, key) if body != text else _marker_alone(text)

    def issue(self, found: IssueSlice) -> Issue:
        return Issue(
            number=found.number,
            title=found.title,
            body=self.text(found.body, by=found.user)[0],
            state="closed" if found.state == "closed" else "open",
            author=found.user.login,
            labels=found.labels,
            created_at=found.created_at,
            updated_at=found.updated_at,
            closed_at=found.closed_at,
            url=found.html_url,
            author_is_bot=found.user.is_bot,
        )

    def comment(self, found: CommentSlice, *, number: int) -> Comment:
        body, key = self.text(found.body, by=found.user)
        return Comment(
            id=str(found.id),
            number=number,
            body=body,
            author=found.user.login,
            created_at=found.created_at,
            updated_at=found.updated_at,
            key=key,
            url=found.html_url,
            author_is_bot=found.user.is_bot,
        )

    def pull(self, found: PullSlice) -> PullRequest:
        is_wip = self.is_wip(found)
        return PullRequest(
            number=found.number,
            title=found.title.removeprefix(WIP) if is_wip else found.title,
            body=self.text(found.body, by=found.user)[0],
            state=_state(found, is_wip=is_wip),
            head_branch=found.head.ref,
            head_sha=found.head.sha,
            base=found.base.ref,
            author=found.user.login,
            created_at=found.created_at,
            updated_at=found.updated_at,
            merge_sha=found.merge_commit_sha if found.merged_at is not None else None,
            merged_at=found.merged_at,
            closed_at=found.closed_at,
            url=found.html_url,
            is_behind=found.mergeable_state == _BEHIND,
        )

    def is_wip(self, found: PullSlice) -> bool:
        """Whether it is a draft of ours by its title alone."""
        return not found.draft and found.title.startswith(WIP) and self.is_ours(found.user)

    def key_of(self, found: PullSlice | IssueSlice | ReviewSlice | CommentSlice) -> str | None:
        return self.text(found.body, by=found.user)[1]

    def review(self, found: ReviewSlice, *, number: int, comments: Iterable[ReviewCommentSlice]) -> Review:
        return Review(
            id=str(found.id),
            number=number,
            state=_VERDICTS.get(found.state.upper(), "commented"),
            body=self.text(found.body, by=found.user)[0],
            author=found.user.login,
            head_sha=found.commit_id,
            submitted_at=found.submitted_at,
            comments=tuple(self._remark(each) for each in comments),
            author_is_bot=found.user.is_bot,
            is_dismissed=found.state.upper() == "DISMISSED",
        )

    def thread_comment(self, found: ReviewCommentSlice) -> ThreadComment:
        body, key = self.text(found.body, by=found.user)
        return ThreadComment(
            id=str(found.id),
            author=found.user.login,
            body=body,
            created_at=found.created_at,
            author_is_bot=found.user.is_bot,
            key=key,
            url=found.html_url,
        )

    def _remark(self, found: ReviewCommentSlice) -> ReviewComment:
        line = None if found.subject_type == "file" else found.line or found.original_line
        return ReviewComment(path=found.path, line=line, body=self.text(found.body, by=found.user)[0])


def _marker_alone(text: str) -> tuple[str, str | None]:
    """A text that is nothing but a marker may have lost the empty lines before it."""
    body, key = unmark(f"\n\n{text}")
    return ("", key) if body == "" else (text, None)


def _state(found: PullSlice, *, is_wip: bool) -> PullRequestState:
    if found.merged_at is not None:
        return "merged"
    if found.state == "closed":
        return "closed"
    return "draft" if found.draft or is_wip else "ready"
