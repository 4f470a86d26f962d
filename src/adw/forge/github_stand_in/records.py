"""What the stand-in remembers: plain records that its effects change and its shapes show.

They hold data only, so that the whole of it can be copied to answer from a moment that has passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

UserType = Literal["User", "Bot", "Organization"]
PERMISSIONS = ("none", "read", "triage", "write", "maintain", "admin")
ACTIONS_APP = "github-actions"
"""The app whose check runs are jobs, with logs to read and to run again."""


@dataclass(slots=True, kw_only=True)
class User:
    """An account of a person, an organisation, or an app's own one (`name[bot]`)."""

    id: int
    login: str
    type: UserType = "User"
    name: str | None = None
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Application:
    """A GitHub App. `public_key` is a PEM its tokens are checked against; None for apps that never sign in."""

    id: int
    slug: str
    owner: str
    public_key: str | None
    permissions: dict[str, str]
    events: list[str]
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Installation:
    """An app's presence at an owner; `repositories` are full names, None means all of the owner's."""

    id: int
    app: str
    owner: str
    repositories: list[str] | None
    permission: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Credential:
    """What a token stands for. `ceiling` is the most it may do whatever its account may."""

    login: str
    ceiling: str = "admin"
    installation: int | None = None
    repositories: list[str] | None = None
    expires_at: datetime | None = None
    classic: bool = True


@dataclass(slots=True, kw_only=True)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True, kw_only=True)
class Comment:
    """A remark on an issue or on the whole of a pull request."""

    id: int
    number: int
    body: str
    author: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class ReviewComment:
    """A remark on a place; the first of a thread (`in_reply_to` None) also says whether the thread is settled."""

    id: int
    number: int
    review_id: int | None
    body: str
    author: str
    path: str
    line: int | None
    original_line: int | None
    side: str
    subject_type: str
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    created_at: datetime
    updated_at: datetime
    in_reply_to: int | None = None
    start_line: int | None = None
    resolved_by: str | None = None
    is_outdated: bool = False


@dataclass(slots=True, kw_only=True)
class Review:
    """`state` in GitHub's capitals: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING."""

    id: int
    number: int
    state: str
    body: str
    author: str
    commit_id: str
    submitted_at: datetime | None


@dataclass(slots=True, kw_only=True)
class AutoMerge:
    """How it is to be merged once all that is asked for is there."""

    enabled_by: str
    method: str
    title: str | None
    message: str | None


@dataclass(slots=True, kw_only=True)
class Pull:
    """The part of a pull request that an issue lacks."""

    id: int
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_sha: str | None = None
    auto_merge: AutoMerge | None = None
    requested_reviewers: list[str] = field(default_factory=list[str])
    reviews: list[Review] = field(default_factory=list[Review])
    comments: list[ReviewComment] = field(default_factory=list[ReviewComment])


@dataclass(slots=True, kw_only=True)
class Issue:
    """An issue, or with `pull` a pull request: both are numbered in one sequence."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    locked: bool = False
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    comments: list[Comment] = field(default_factory=list[Comment])
    pull: Pull | None = None


@dataclass(slots=True, kw_only=True)
class IssueEvent:
    """Something that happened to an issue."""

    id: int
    number: int
    event: str
    actor: str
    created_at: datetime
    label: str | None = None
    commit_id: str | None = None
    more: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True, kw_only=True)
class CheckSuite:
    """The check runs of one app on one commit; of the actions app also a workflow run."""

    id: int
    app: str
    head_sha: str
    head_branch: str | None
    created_at: datetime
    updated_at: datetime
    attempt: int = 1


@dataclass(slots=True, kw_only=True)
class CheckRun:
    """One run of one check on one commit."""

    id: int
    suite: int
    app: str
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    external_id: str = ""
    details_url: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    log: str = ""
    attempt: int = 1


@dataclass(slots=True, kw_only=True)
class Status:
    """One report about a commit, of the older kind."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Protection:
    """What a branch demands. `by_ruleset` says which of GitHub's two ways of asking shows it."""

    checks: list[str] = field(default_factory=list[str])
    strict: bool = False
    approvals: int | None = None
    dismiss_stale: bool = False
    enforce_admins: bool = False
    threads_resolved: bool = False
    by_ruleset: bool = False


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One attempt to hand an event to a hook."""

    id: int
    guid: str
    hook: int
    event: str
    action: str | None
    payload: dict[str, Any]
    created_at: datetime
    target: int = 0
    redelivery: bool = False
    status_code: int | None = None
    status: str = "pending"
    duration_s: float = 0.0
    request_headers: dict[str, str] = field(default_factory=dict[str, str])
    response_body: str = ""


@dataclass(slots=True, kw_only=True)
class Hook:
    """`secret` never leaves the stand-in; `installation` marks the hook of an app."""

    id: int
    url: str
    secret: str | None
    events: list[str]
    content_type: str
    created_at: datetime
    updated_at: datetime
    active: bool = True
    installation: int | None = None
    deliveries: list[Delivery] = field(default_factory=list[Delivery])


@dataclass(slots=True, kw_only=True)
class Repository:
    """One repository. `refs` is how its git refs stood when last looked at, by full name."""

    id: int
    owner: str
    name: str
    default_branch: str
    created_at: datetime
    pushed_at: datetime
    private: bool = False
    drafts: bool = True
    delete_branch_on_merge: bool = False
    allow_auto_merge: bool = True
    methods: list[str] = field(default_factory=lambda: ["merge", "squash", "rebase"])
    next_number: int = 1
    grants: dict[str, str] = field(default_factory=dict[str, str])
    labels: dict[str, Label] = field(default_factory=dict[str, Label])
    issues: dict[int, Issue] = field(default_factory=dict[int, Issue])
    events: list[IssueEvent] = field(default_factory=list[IssueEvent])
    suites: dict[int, CheckSuite] = field(default_factory=dict[int, CheckSuite])
    runs: dict[int, CheckRun] = field(default_factory=dict[int, CheckRun])
    statuses: list[Status] = field(default_factory=list[Status])
    protections: dict[str, Protection] = field(default_factory=dict[str, Protection])
    hooks: dict[int, Hook] = field(default_factory=dict[int, Hook])
    refs: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    def head(self, branch: str) -> str | None:
        """The commit a branch is at."""
        return self.refs.get(f"refs/heads/{branch}")
