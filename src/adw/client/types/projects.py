"""Projects, their issues and pull requests, and the machines that work on them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Literal, TypedDict


class ProjectDict(TypedDict):
    id: str
    name: str
    forge: str
    source: str
    baseBranch: str
    createdAt: str


class ProjectListDict(TypedDict):
    projects: list[ProjectDict]


class BaseDict(TypedDict):
    name: str
    sha: str


class AddedProjectDict(TypedDict):
    project: ProjectDict
    base: BaseDict
    notes: list[str]


class CommandDict(TypedDict):
    line: str
    origin: str
    cwd: str
    format: str
    timeoutS: float


class CommandsDict(TypedDict):
    setup: CommandDict | None
    build: CommandDict | None
    lint: CommandDict | None
    test: CommandDict | None
    e2e: CommandDict | None
    run: CommandDict | None


class ProjectDetailDict(ProjectDict):
    commands: CommandsDict | None


class IssueDict(TypedDict):
    number: int
    title: str
    body: str
    state: str
    author: str
    labels: list[str]
    createdAt: str
    updatedAt: str
    closedAt: str | None
    url: str | None


class IssueListDict(TypedDict):
    issues: list[IssueDict]


class CommentDict(TypedDict):
    id: str
    body: str
    author: str
    createdAt: str
    updatedAt: str
    url: str | None


class IssueDetailDict(IssueDict):
    comments: list[CommentDict]


class PullDict(TypedDict):
    number: int
    title: str
    body: str
    state: str
    headBranch: str
    headSha: str
    base: str
    author: str
    createdAt: str
    updatedAt: str
    mergeSha: str | None
    mergedAt: str | None
    closedAt: str | None
    url: str | None


class PullListDict(TypedDict):
    pulls: list[PullDict]


class ReviewCommentDict(TypedDict):
    path: str
    line: int | None
    body: str


class ReviewDict(TypedDict):
    id: str
    state: str
    body: str
    author: str
    headSha: str
    submittedAt: str
    comments: list[ReviewCommentDict]


class PullDetailDict(PullDict):
    comments: list[CommentDict]
    reviews: list[ReviewDict]
    adwId: str | None


class PullAnswerDict(TypedDict):
    pull: PullDict
    adwId: str | None


class MergedDict(PullAnswerDict):
    merged: bool
    sha: str
    note: str | None


class WorktreeDict(TypedDict):
    name: str
    projectId: str
    path: str
    branch: str | None
    baseSha: str
    adwId: str | None
    status: str | None
    prState: str | None
    backendPort: int | None
    frontendPort: int | None
    removable: bool


class WorktreeListDict(TypedDict):
    worktrees: list[WorktreeDict]


class CleanupItemDict(TypedDict):
    adwId: str
    path: str | None
    reason: str
    removed: bool
    problem: str | None


class CleanupDict(TypedDict):
    dryRun: bool
    items: list[CleanupItemDict]


class WorkerDict(TypedDict):
    id: str
    name: str
    hostId: str
    pid: int
    concurrency: int
    codeRevision: str
    isLive: bool
    startedAt: str
    beatAt: str
    drainedAt: str | None
    endedAt: str | None
    endReason: str | None


class WorkerListDict(TypedDict):
    workers: list[WorkerDict]


IssueFilter = Literal["open", "closed", "all"]
PullFilter = Literal["open", "merged", "closed", "all"]
ReviewVerdict = Literal["approved", "changes_requested", "commented"]
