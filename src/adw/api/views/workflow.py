"""A workflow as everybody outside sees it: the API, the command line's JSON, the web pages."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from adw.api.views.approvals import ApprovalView
from adw.api.views.messages import MessageView
from adw.api.wire import Money, Wire


class OptionsView(Wire):
    """Choices made when the work was handed in."""

    skip_e2e: bool
    auto_resolve: bool
    plan_approval: bool | None
    model: str | None = Field(description="Of all agents, where a person has chosen one")


class PhaseSummary(Wire):
    """One phase over all its attempts."""

    name: str
    status: str = Field(description="Of the latest attempt; `pending` when it has not begun")
    attempts: int
    duration_ms: int | None = Field(description="Of attempts that have ended; null while there are none")
    cost_usd: Money | None = Field(description="Null when a price is unknown")
    requests: int
    input_tokens: int
    output_tokens: int


class UsageView(Wire):
    """Requests to models. Input tokens include those written to and read from a cache."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null when a price is unknown")


class TestCounts(Wire):
    """How many tests ended how."""

    __test__ = False  # pytest is not to collect it

    passed: int
    failed: int
    skipped: int


class TestsView(Wire):
    """The project's tests on the base commit, after the build, and in the end."""

    __test__ = False  # pytest is not to collect it

    before: TestCounts | None = None
    after_build: TestCounts | None = None
    final: TestCounts | None = None


class GateView(Wire):
    """What a gate last found."""

    gate: str
    phase: str
    outcome: str
    commit: str
    summary: str


class FailureView(Wire):
    """Why the workflow failed, and what to do."""

    failure_class: str = Field(alias="class")
    message: str
    phase: str | None
    advice: str
    next_actions: tuple[str, ...]


class QueuedBecauseView(Wire):
    """Why a workflow is still queued."""

    reason: str = Field(
        description="`slots`, `project_limit`, `depends_on`, `disk`, `memory`, `cpu`, `start_rate` or "
        "`open_pull_requests`"
    )
    detail: str = Field(description="For a person")
    position: int | None = Field(
        description="Place in line by urgency and age, from 1; null for what waits for other workflows"
    )


class WorkflowSummary(Wire):
    """A workflow in a list."""

    adw_id: str
    project_id: str
    workflow_type: str
    status: str
    phase: str
    wait_reason: str | None
    resume_at: datetime | None = Field(description="When it goes on by itself, while it waits for a limit's end")
    wait_scope: str | None = Field(description="Which limit or which shared budget it waits for")
    paused_from: str | None
    issue_number: int | None
    issue_title: str
    issue_class: str | None
    branch_name: str | None
    base_branch: str
    base_sha: str
    head_sha: str | None
    pr_number: int | None
    pr_state: str
    merge_sha: str | None = Field(description="The commit on the base branch, once the merge was seen there")
    forked_from: str | None
    held_by: str | None = Field(description="Who has taken the worktree over, while it is in their hands")
    model_set: str
    priority: int
    depends_on: tuple[str, ...] = Field(description="Workflows that have to be done first")
    queued_because: QueuedBecauseView | None = Field(description="Null unless it is queued and somebody has looked")
    options: OptionsView
    budget_usd: Money | None
    spent_usd: Money
    plan_file: str | None
    worktree_path: str | None
    worktree_exists: bool
    backend_port: int | None
    frontend_port: int | None
    failure: FailureView | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    last_seq: int


class ClashView(Wire):
    """A branch the open pull request would conflict with: its base, or that of another workflow."""

    branch: str
    adw_id: str | None = Field(description="The other workflow; null for the base")
    files: tuple[str, ...]


class WorkflowView(WorkflowSummary):
    """A workflow with everything a page about it needs at first."""

    phases: tuple[PhaseSummary, ...]
    usage: UsageView
    tests: TestsView
    review_rounds: int = Field(description="Reviews of the latest attempt that ended; 0 before")
    gates: tuple[GateView, ...]
    approvals: tuple[ApprovalView, ...] = Field(description="Questions that wait for an answer")
    forks: tuple[str, ...] = Field(description="Workflows that branched off from this one, oldest first")
    unheard: tuple[MessageView, ...] = Field(description="Messages that no conversation has heard yet, oldest first")
    clashes: tuple[ClashView, ...] = Field(description="What its open pull request would conflict with, as last seen")


class WorkflowPage(Wire):
    """Workflows, newest first."""

    workflows: tuple[WorkflowSummary, ...]
    next_cursor: str | None = Field(description="Pass it as `after` to see more; null at the end")


class WorkflowAnswer(Wire):
    """What an action made of a workflow."""

    success: bool = True
    workflow: WorkflowView


class AcceptedView(WorkflowAnswer):
    """Work that was taken in."""

    adw_id: str
    notes: tuple[str, ...] = Field(description="Sentences for the person who asked")
