"""Pull requests, their reviews, and what commits have to do with each other."""

from __future__ import annotations

from pydantic import Field

from adw.forge.github.slices.base import GHOST, LONG_AGO, Made, Moment, Slice, User


class RepoNameSlice(Slice):
    """The repository a branch is in; gone when a fork was deleted."""

    full_name: str = ""


class EndSlice(Slice):
    """One end of a pull request. `label` is `owner:branch`."""

    ref: str = ""
    sha: str = ""
    label: str = ""
    repo: RepoNameSlice | None = None


_NOWHERE = EndSlice()


class PullSlice(Made):
    """A pull request. In lists `mergeable` is missing; None means that GitHub is still finding out."""

    number: int = 0
    node_id: str = ""
    title: str = ""
    body: str = ""
    state: str = "open"
    draft: bool = False
    head: EndSlice = _NOWHERE
    base: EndSlice = _NOWHERE
    merged_at: Moment | None = None
    closed_at: Moment | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    mergeable_state: str = ""


class ReviewSlice(Slice):
    """A review; one that is pending has no time yet."""

    id: int = 0
    user: User = GHOST
    body: str = ""
    state: str = "COMMENTED"
    commit_id: str = ""
    submitted_at: Moment = LONG_AGO


class ReviewCommentSlice(Made):
    """A remark on a line. `line` is null once the line is gone; `original_line` stays."""

    body: str = ""
    path: str = ""
    line: int | None = None
    original_line: int | None = None
    subject_type: str = "line"
    in_reply_to_id: int | None = None
    review_id: int | None = Field(default=None, alias="pull_request_review_id")


class MergeSlice(Slice):
    """The answer to a merge."""

    sha: str = ""
    merged: bool = False
    message: str = ""


class FileSlice(Slice):
    """A file that changed. `patch` is missing for large and binary ones."""

    filename: str = ""
    previous_filename: str | None = None
    status: str = "modified"
    patch: str | None = None


class CompareSlice(Slice):
    """Two commits compared: `ahead`, `behind`, `diverged` or `identical`."""

    status: str = ""
    ahead_by: int = 0
    files: tuple[FileSlice, ...] = ()


class RefTargetSlice(Slice):
    """What a ref points to."""

    sha: str = ""


_NOTHING = RefTargetSlice()


class RefSlice(Slice):
    """A ref of the repository."""

    ref: str = ""
    object: RefTargetSlice = _NOTHING
