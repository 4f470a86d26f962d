"""What somebody asks for, and whether it can be asked at all; nothing here looks at the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adw.domain.agent import ModelSet
from adw.domain.forge import Issue
from adw.domain.forge_text import check_name
from adw.domain.kinds import check_earlier
from adw.domain.naming import title_of
from adw.domain.notices import text_digest
from adw.domain.workflow import WorkflowOptions
from adw.kit.errors import ConflictError, NotFoundError, UsageError

MAX_PROMPT_CHARS = 60_000
_MAX_ISSUE_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """Work somebody hands in: on an issue by number, or a sentence that becomes one."""

    project: str
    """A path, `owner/name`, an address, or the id or name of a known project."""
    kind: str
    actor: str
    source: str
    """Which door it came through: `cli`, `api`, ..."""
    issue_number: int | None = None
    prompt: str | None = None
    create_issue: bool = False
    """Whether a sentence becomes an issue on a forge of the network too; on the local one it always does."""
    on: str | None = None
    """Earlier work that a single phase is to be done on: a workflow's id, a branch, or a pull request's number."""
    model_set: ModelSet | None = None
    budget_usd: Decimal | None = None
    priority: int = 0
    depends_on: tuple[str, ...] = ()
    """Workflows to wait for, by ids or unique beginnings of ids."""
    options: WorkflowOptions = field(default_factory=WorkflowOptions)
    idempotency_key: str | None = None
    issue_digest: str | None = None
    """What the issue said when the work was asked for (`adw.domain.notices.text_digest`); None lets it say anything."""
    origin: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is kept of how it was asked for, besides source and actor."""

    @property
    def text(self) -> str:
        """The sentence without surrounding white space."""
        return (self.prompt or "").strip()


def check_request(request: WorkRequest) -> None:
    """Raises UsageError, or NotFoundError for a number no issue can have.

    A request names an issue or says what to do, not both, within reason, and comes from somebody with a name. A single
    phase other than plan names the work it is for; then what is to be done may be known from there.
    """
    check_name(request.actor, what="actor")
    check_earlier(request.kind, on=request.on)
    if request.issue_number is not None and request.text:
        raise UsageError(
            "name an issue or say what to do, not both",
            hint='leave one of them out: `adw run 12` or `adw run "Fix the date"`',
        )
    if request.on is None and request.issue_number is None and not request.text:
        raise UsageError("say what to do: an issue's number or a sentence", hint='for example `adw run "Fix the date"`')
    if request.issue_number is not None and not 1 <= request.issue_number <= _MAX_ISSUE_NUMBER:
        raise NotFoundError(f"there is no issue #{request.issue_number}", hint="see `adw issue list`")
    _check_text(request.text)
    if request.budget_usd is not None and not (request.budget_usd.is_finite() and request.budget_usd > 0):
        raise UsageError(f"a budget of {request.budget_usd} USD buys nothing", hint="name an amount above 0")


class TextChangedError(ConflictError):
    """The issue says something else than when work on it was asked for"""

    code = "text_changed"


def check_text(request: WorkRequest, issue: Issue) -> None:
    """Raises TextChangedError unless the issue still says what it said when the work was asked for."""
    if request.issue_digest is not None and text_digest(issue.title, issue.body) != request.issue_digest:
        raise TextChangedError(
            f"issue #{issue.number} was edited after work on it was asked for",
            hint="read it again, then ask again: take the label off and put it on, or write a new comment",
        )


def title_for(text: str) -> str:
    """The first line that says something, without the marks of a Markdown heading."""
    lines = (line.strip().lstrip("#").strip() for line in text.splitlines())
    return title_of(next((line for line in lines if line), text))


def _check_text(text: str) -> None:
    if len(text) > MAX_PROMPT_CHARS:
        raise UsageError(
            f"the text is longer than {MAX_PROMPT_CHARS} characters", hint="put details into files of the repository"
        )
    if "\0" in text:
        raise UsageError("the text holds a NUL character", hint="remove it")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError("the text holds half a character (a lone surrogate)", hint="send valid UTF-8")
    if text and not title_for(text):
        raise UsageError("the text says nothing", hint='for example `adw run "Fix the date"`')
