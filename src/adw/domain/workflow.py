"""One run for one piece of work, as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from adw.domain.admission import Because
from adw.domain.agent import ModelSet
from adw.domain.failure import Failure
from adw.domain.status import PrState, Status, WaitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowOptions:
    """Choices made when the work was handed in."""

    skip_e2e: bool = False
    auto_resolve: bool = True
    plan_approval: bool | None = None
    """Overrides the project's gate when set."""
    model: str | None = None
    """The model of all agents, in place of what the model set and the project say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """Work accepted, not yet written. Its base commit is pinned, its phases are resolved."""

    adw_id: str
    project_id: str
    workflow_type: str
    phases: tuple[str, ...]
    issue_number: int | None
    issue_title: str
    issue_body: str
    base_branch: str
    base_sha: str
    model_set: ModelSet = ModelSet.BASE
    budget_usd: Decimal | None = None
    priority: int = 0
    options: WorkflowOptions = field(default_factory=WorkflowOptions)
    trigger: Mapping[str, Any] = field(default_factory=dict[str, Any])
    idempotency_key: str | None = None
    issue_class: str | None = None
    branch_name: str | None = None
    """Given at once to work that no plan names."""
    head_sha: str | None = None
    """Where its branch starts when that is not the base commit."""
    plan_file: str | None = None
    forked_from: str | None = None
    """The workflow it branches off from; such a one does not occupy its issue."""
    depends_on: tuple[str, ...] = ()
    """Workflows that have to be done before it starts."""
    project_limit: int | None = None
    """Workflows of its project that may be active beside it, itself included, as `adw.toml` said at acceptance."""
    open_pull_limit: int | None = None
    """Pull requests of its project that may wait for people when it starts, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow's row."""

    adw_id: str
    project_id: str
    workflow_type: str
    phases: tuple[str, ...]
    status: Status
    phase: str
    wait_reason: WaitReason | None
    paused_from: Status | None
    pr_state: PrState
    pr_number: int | None
    issue_number: int | None
    issue_title: str
    issue_body: str
    issue_class: str | None
    branch_name: str | None
    base_branch: str
    base_sha: str
    head_sha: str | None
    model_set: ModelSet
    budget_usd: Decimal | None
    priority: int
    depends_on: tuple[str, ...]
    project_limit: int | None
    queued_because: Because | None
    """Why it is still queued; None once it started, and before anybody looked."""
    options: WorkflowOptions
    trigger: Mapping[str, Any]
    worktree_path: str | None
    worktree_exists: bool
    backend_port: int | None
    frontend_port: int | None
    plan_file: str | None
    merge_sha: str | None
    """The commit on the base branch, once the merge was seen there."""
    forked_from: str | None
    rewind_to: str | None
    """The commit its branch is moved back to before the next leg begins; None when it stays."""
    held_by: str | None
    """The person who has taken the worktree over, while the workflow is paused for it."""
    resume_at: datetime | None
    """When it goes on by itself, while it waits for the end of a limit."""
    wait_scope: str | None
    """Which limit or which shared budget it waits for."""
    failure: Failure | None
    owner_id: str | None
    owner_epoch: int
    leg: int
    last_seq: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
