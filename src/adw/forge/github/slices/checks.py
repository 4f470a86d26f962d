"""Check runs, jobs and commit statuses."""

from __future__ import annotations

from typing import Any

from adw.forge.github.slices.base import LONG_AGO, Moment, Slice


class OutputSlice(Slice):
    """What a check run tells of itself."""

    title: str = ""
    summary: str = ""
    text: str = ""
    annotations_count: int = 0


class AppSlice(Slice):
    """Who runs a check."""

    slug: str = ""


_NO_OUTPUT = OutputSlice()
_NO_APP = AppSlice()


class CheckRunSlice(Slice):
    """A check run; a job of GitHub Actions is one too, with the same id."""

    id: int = 0
    name: str = ""
    head_sha: str = ""
    status: str = ""
    conclusion: str | None = None
    details_url: str | None = None
    html_url: str | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None
    output: OutputSlice = _NO_OUTPUT
    app: AppSlice = _NO_APP


class StatusSlice(Slice):
    """A commit status, the older way of saying how a check went."""

    id: int = 0
    context: str = "default"
    state: str = "pending"
    description: str = ""
    target_url: str | None = None
    created_at: Moment = LONG_AGO
    updated_at: Moment = LONG_AGO


class CombinedStatusSlice(Slice):
    """The latest statuses of a commit, by context."""

    sha: str = ""
    statuses: tuple[StatusSlice, ...] = ()


class WorkflowRunSlice(Slice):
    """A run of a workflow of GitHub Actions."""

    id: int = 0


class AnnotationSlice(Slice):
    """A remark of a check on a line."""

    path: str = ""
    start_line: int = 0
    annotation_level: str = ""
    message: str = ""


class RequiredContextSlice(Slice):
    """A check that is required."""

    context: str = ""


class RequiredChecksSlice(Slice):
    """Checks a protected branch waits for."""

    strict: bool = False
    contexts: tuple[str, ...] = ()
    checks: tuple[RequiredContextSlice, ...] = ()


class RequiredReviewsSlice(Slice):
    """Approvals a protected branch waits for."""

    required_approving_review_count: int = 0


class ProtectionSlice(Slice):
    """A branch's protection."""

    required_status_checks: RequiredChecksSlice | None = None
    required_pull_request_reviews: RequiredReviewsSlice | None = None


class BranchSlice(Slice):
    """A branch; what its protection demands of checks is shown to everybody."""

    name: str = ""
    protected: bool = False
    protection: ProtectionSlice | None = None


class RuleSlice(Slice):
    """One rule of a ruleset that holds for a branch; its parameters differ by type."""

    type: str = ""
    parameters: dict[str, Any] | None = None
