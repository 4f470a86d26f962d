"""What somebody did on a forge, as the same value whether the forge told us or we looked.

Every notice has a key that says what happened, not how we heard of it: a webhook, its repetition and a poll compute
the same one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, TypeAdapter

from adw.domain.account import Account
from adw.domain.effect_key import unmark
from adw.domain.project import ForgeKind

IssueAction = Literal["opened", "labeled", "edited", "reopened", "closed", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueText:
    """An issue as it was when something happened to it."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed"]
    author: Account
    labels: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return text_digest(self.title, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where it happened, who did it, and when by the forge's clock. `repository` is `owner/name`, or a local path."""

    forge: ForgeKind
    repository: str
    sender: Account
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueNotice:
    """Something happened to an issue. `label` is the one that was put on it."""

    origin: Origin
    action: IssueAction
    issue: IssueText
    label: str | None = None
    kind: Literal["issue"] = "issue"

    @property
    def key(self) -> str:
        if self.action == "opened":
            return _key(self.origin, "issue", self.issue.number, "opened")
        return _key(self.origin, "issue", self.issue.number, self.action, self.label or "", _moment(self.origin.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentNotice:
    """Somebody wrote a comment on an issue or pull request.

    `issue` is what it stands under, where that is known: of a pull request nothing is started, so nobody needs it.
    """

    origin: Origin
    comment_id: str
    number: int
    body: str
    on_pull_request: bool = False
    is_edited: bool = False
    """Whether it says something else than when it was written; others than its author may have changed it."""
    issue: IssueText | None = None
    kind: Literal["comment"] = "comment"

    @property
    def key(self) -> str:
        return _key(self.origin, "comment", self.comment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestNotice:
    """Something about a pull request changed; `what` is the forge's own word for it."""

    origin: Origin
    number: int
    what: str
    head_sha: str | None = None
    branch: str | None = None
    kind: Literal["pull_request"] = "pull_request"

    @property
    def key(self) -> str:
        return _key(self.origin, "pull", self.number, self.what, self.head_sha or "", _moment(self.origin.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksNotice:
    """What runs on a commit has got further; `branches` are those whose head it is, where the forge says so."""

    origin: Origin
    sha: str
    branches: tuple[str, ...] = ()
    kind: Literal["checks"] = "checks"

    @property
    def key(self) -> str:
        return _key(self.origin, "checks", self.sha, _moment(self.origin.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushNotice:
    """A branch is at another commit; None says that it is gone."""

    origin: Origin
    branch: str
    sha: str | None
    kind: Literal["push"] = "push"

    @property
    def key(self) -> str:
        return _key(self.origin, "push", self.branch, self.sha or "", _moment(self.origin.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleNotice:
    """The moment `due_at` of a schedule has come. `origin` names who made the schedule."""

    origin: Origin
    schedule_id: str
    due_at: datetime
    kind: Literal["schedule"] = "schedule"

    @property
    def key(self) -> str:
        return _key(self.origin, "schedule", self.schedule_id, _moment(self.due_at))


Notice: TypeAlias = IssueNotice | CommentNotice | PullRequestNotice | ChecksNotice | PushNotice | ScheduleNotice

_ADAPTER: TypeAdapter[Notice] = TypeAdapter(Annotated[Notice, Discriminator("kind")])


def may_start_work(notice: Notice) -> bool:
    """Whether it has to be acted on once at most; of all others a repetition only makes somebody look again."""
    match notice:
        case IssueNotice(action="opened" | "labeled") | CommentNotice() | ScheduleNotice():
            return True
        case _:
            return False


def number_of(notice: Notice) -> int | None:
    """The issue or pull request it is about."""
    match notice:
        case IssueNotice():
            return notice.issue.number
        case CommentNotice() | PullRequestNotice():
            return notice.number
        case _:
            return None


def name_of(notice: Notice) -> str:
    """What happened, in two words."""
    match notice:
        case IssueNotice():
            return f"issue.{notice.action}"
        case CommentNotice():
            return "comment.created"
        case PullRequestNotice():
            return f"pull_request.{notice.what}"
        case _:
            return str(notice.kind)


def text_digest(title: str, body: str) -> str:
    """What an issue says, in short. Line endings and margins do not matter, for forges change them; nor do markers."""
    said = f"{title.strip()}\0{unmark(body)[0].strip()}".replace("\r\n", "\n")
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()


def encode_notice(notice: Notice) -> dict[str, Any]:
    """As JSON."""
    return _ADAPTER.dump_python(notice, mode="json")


def decode_notice(value: Any) -> Notice:
    """From what `encode_notice` made."""
    return _ADAPTER.validate_python(value)


def _key(origin: Origin, *parts: object) -> str:
    """Short enough for an index, whatever the names in it."""
    repository = origin.repository.lower() if origin.forge is ForgeKind.GITHUB else origin.repository
    said = ":".join(str(part) for part in (origin.forge, repository, *parts))
    return f"{parts[0]}:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat()
