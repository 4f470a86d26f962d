"""Issues, pull requests, comments and reviews, whatever forge they live on."""

from __future__ import annotations

from datetime import datetime

from adw.api.wire import Wire


class IssueView(Wire):
    """A piece of work somebody wants done."""

    number: int
    title: str
    body: str
    state: str
    author: str
    labels: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    url: str | None


class IssueList(Wire):
    """Issues, newest first."""

    issues: tuple[IssueView, ...]


class CommentView(Wire):
    """A remark on an issue or pull request."""

    id: str
    body: str
    author: str
    created_at: datetime
    updated_at: datetime
    url: str | None


class IssueDetail(IssueView):
    """An issue with its comments, oldest first."""

    comments: tuple[CommentView, ...]


class PullView(Wire):
    """A branch offered for merging."""

    number: int
    title: str
    body: str
    state: str
    head_branch: str
    head_sha: str
    base: str
    author: str
    created_at: datetime
    updated_at: datetime
    merge_sha: str | None
    merged_at: datetime | None
    closed_at: datetime | None
    url: str | None


class PullList(Wire):
    """Pull requests, newest first."""

    pulls: tuple[PullView, ...]


class ReviewCommentView(Wire):
    """A remark on one line; without a line, on the whole file."""

    path: str
    line: int | None
    body: str


class ReviewView(Wire):
    """One verdict on one commit."""

    id: str
    state: str
    body: str
    author: str
    head_sha: str
    submitted_at: datetime
    comments: tuple[ReviewCommentView, ...]


class PullDetail(PullView):
    """A pull request with what people said about it, and the workflow it came from."""

    comments: tuple[CommentView, ...]
    reviews: tuple[ReviewView, ...]
    adw_id: str | None


class PullAnswer(Wire):
    """What an action made of a pull request."""

    pull: PullView
    adw_id: str | None


class MergedView(PullAnswer):
    """It is on its base branch as `sha`; `note` says what is left to do, if anything."""

    merged: bool = True
    sha: str
    note: str | None
