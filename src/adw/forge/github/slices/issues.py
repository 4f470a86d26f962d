"""Issues and what is said about them."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BeforeValidator

from adw.forge.github.slices.base import GHOST, LONG_AGO, Made, Moment, Slice, User


def _names(labels: Any) -> list[str]:
    """Labels come as objects, and in old answers as plain names."""
    if not isinstance(labels, list):
        return []
    found = (
        cast("dict[str, Any]", label).get("name") if isinstance(label, dict) else label
        for label in cast("list[Any]", labels)
    )
    return [name for name in found if isinstance(name, str)]


LabelNames = Annotated[tuple[str, ...], BeforeValidator(_names)]


class IssueSlice(Made):
    """An issue; `pull_request` is there when it is one."""

    number: int = 0
    title: str = ""
    body: str = ""
    state: str = "open"
    labels: LabelNames = ()
    closed_at: Moment | None = None
    pull_request: dict[str, Any] | None = None


class CommentSlice(Made):
    """A comment on an issue or pull request."""

    body: str = ""
    issue_url: str = ""

    @property
    def number(self) -> int:
        last = self.issue_url.rpartition("/")[2]
        return int(last) if last.isdigit() else 0


class LabelSlice(Slice):
    """A label."""

    name: str = ""


class EventIssueSlice(Slice):
    """The issue an event belongs to."""

    number: int = 0
    pull_request: dict[str, Any] | None = None


_NO_LABEL = LabelSlice()
_NO_ISSUE = EventIssueSlice()


class IssueEventSlice(Slice):
    """Something that happened to an issue; `event` is GitHub's word for it."""

    id: int = 0
    event: str = ""
    actor: User = GHOST
    created_at: Moment = LONG_AGO
    label: LabelSlice = _NO_LABEL
    issue: EventIssueSlice = _NO_ISSUE
