"""What lives on a forge: issues, comments, pull requests, reviews, and how a merge ended.

Shaped after GitHub's concepts, so that both forges are spoken of in the same words. Issue and pull request numbers
share one sequence within a project.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from adw.domain.project import ForgeKind

OURSELVES = "adw"
"""The author of everything this program writes by itself."""

IssueState = Literal["open", "closed"]
PullRequestState = Literal["draft", "ready", "merged", "closed"]
PullRequestFilter = Literal["open", "merged", "closed", "all"]
"""Which pull requests to list; `open` means draft or ready."""
ReviewState = Literal["approved", "changes_requested", "commented"]
MergeMethod = Literal["squash", "merge", "rebase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A piece of work somebody wants done. `url` is None where no web page shows it."""

    number: int
    title: str
    body: str
    state: IssueState
    author: str
    labels: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    url: str | None = None
    author_is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A remark on an issue or pull request.

    `key` is the effect it came from, known only for comments written with one by us; `body` never shows its marker.
    """

    id: str
    number: int
    body: str
    author: str
    created_at: datetime
    updated_at: datetime
    key: str | None = None
    url: str | None = None
    author_is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A branch offered for merging. `head_sha` is the branch's present commit while open, its last one afterwards."""

    number: int
    title: str
    body: str
    state: PullRequestState
    head_branch: str
    head_sha: str
    base: str
    author: str
    created_at: datetime
    updated_at: datetime
    merge_sha: str | None = None
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    url: str | None = None
    is_behind: bool = False
    """Whether the forge will not merge it before its base is merged into it, as far as it says so by itself."""

    @property
    def is_open(self) -> bool:
        """Neither merged nor closed."""
        return self.state in {"draft", "ready"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """A remark on one line of a pull request's head; `line` counts from 1, None speaks of the whole file."""

    path: str
    line: int | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One verdict on one commit (`head_sha`) of a pull request."""

    id: str
    number: int
    state: ReviewState
    body: str
    author: str
    head_sha: str
    submitted_at: datetime
    comments: tuple[ReviewComment, ...] = ()
    author_is_bot: bool = False
    is_dismissed: bool = False
    """Whether it counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The pull request is on its base branch as `sha`. `note` tells a person what is left to do, if anything."""

    sha: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeConflict:
    """Head and base changed the same places; nothing was merged."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMoved:
    """The branch is no longer at the commit that was to be merged; nothing was merged."""

    expected_sha: str
    actual_sha: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMergeable:
    """The forge refuses (draft, closed, failing checks, ...); nothing was merged."""

    reason: str


MergeOutcome = Merged | MergeConflict | HeadMoved | NotMergeable


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeCapabilities:
    """What a forge can do and how much it takes; lengths in characters."""

    kind: ForgeKind
    has_checks: bool
    """Whether commits can carry check results that a merge must wait for."""
    has_web_pages: bool
    can_approve_own: bool
    """Whether the author of a pull request may approve it."""
    can_mark_draft: bool
    """Whether a pull request that is ready can become a draft again."""
    max_title_chars: int
    max_body_chars: int
