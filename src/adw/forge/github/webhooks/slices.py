"""The parts of bodies that we read, and nothing else: what GitHub adds or leaves out elsewhere does not matter."""

# ruff: noqa: D101 - GitHub describes its bodies

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from adw.domain.account import Account

MAX_NUMBER = 2**31 - 1
NOBODY = "ghost"
"""Whom GitHub names where an account is gone."""

_ZERO = "0" * 40


def _of_our_age(moment: datetime) -> datetime:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 2000 < moment.year < 2200:  # noqa: PLR2004 # far enough from where calculations with time end
        raise ValueError("not a moment of our age")
    return moment


def _is_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 # pydantic reports ValueErrors
    return value


def _or_empty(value: object) -> object:
    return "" if value is None else value


Number = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER)]
Id = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Moment = Annotated[datetime, BeforeValidator(_is_text), AfterValidator(_of_our_age)]
Text = Annotated[str, BeforeValidator(_or_empty)]


class Slice(BaseModel):
    """A part of a body."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class UserSlice(Slice):
    login: Name
    type: str = "User"

    @property
    def account(self) -> Account:
        return Account(login=self.login, is_bot=self.type == "Bot" or self.login.endswith("[bot]"))


class RepositorySlice(Slice):
    full_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$")]


class LabelSlice(Slice):
    name: Name


class IssueSlice(Slice):
    number: Number
    title: Text = ""
    body: Text = ""
    state: Literal["open", "closed"] = "open"
    user: UserSlice | None = None
    labels: tuple[LabelSlice, ...] = ()
    created_at: Moment
    updated_at: Moment
    pull_request: dict[str, object] | None = None


class CommentSlice(Slice):
    id: Id
    body: Text = ""
    created_at: Moment
    updated_at: Moment


class HeadSlice(Slice):
    sha: Sha
    ref: Name
    repo: RepositorySlice | None = None


class PullSlice(Slice):
    number: Number
    head: HeadSlice
    updated_at: Moment


class SuiteSlice(Slice):
    head_branch: Name | None = None


class CheckSlice(Slice):
    """A check run, a suite, or a run or job of a workflow."""

    head_sha: Sha
    head_branch: Name | None = None
    check_suite: SuiteSlice | None = None

    @property
    def branches(self) -> tuple[str, ...]:
        branch = self.head_branch or (self.check_suite.head_branch if self.check_suite else None)
        return () if branch is None else (branch,)


class BranchSlice(Slice):
    name: Name


class Body(Slice):
    """What every event has that we act on."""

    repository: RepositorySlice
    sender: UserSlice


class IssuesBody(Body):
    action: Name
    issue: IssueSlice
    label: LabelSlice | None = None


class IssueCommentBody(Body):
    action: Name
    issue: IssueSlice
    comment: CommentSlice


class PullRequestBody(Body):
    action: Name
    pull_request: PullSlice


class CheckRunBody(Body):
    check_run: CheckSlice


class CheckSuiteBody(Body):
    check_suite: CheckSlice


class WorkflowRunBody(Body):
    workflow_run: CheckSlice


class WorkflowJobBody(Body):
    workflow_job: CheckSlice


class StatusBody(Body):
    sha: Sha
    branches: tuple[BranchSlice, ...] = ()


class PushBody(Body):
    ref: Name
    after: Sha

    @property
    def head(self) -> str | None:
        """None for a branch that is gone."""
        return None if self.after.startswith(_ZERO) else self.after
