"""What happened in a repository since somebody last looked, as a poll finds it.

Nothing is left out; what happened around the moment of an earlier look may be told again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adw.domain.forge import Comment, Issue, PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChange:
    """Somebody (`actor`) put a label on issue or pull request `number`, or took it off. `id` is the forge's own."""

    id: str
    number: int
    label: str
    is_added: bool
    actor: str
    created_at: datetime
    actor_is_bot: bool = False
    is_pull_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Issues, comments and pull requests that were made or changed, oldest change first.

    `comments` are those on issues and pull requests, not on lines of a diff. `cursor` is to be stored once all of
    this is dealt with, and given at the next look; it means something to the forge alone. When `is_complete` is
    false there was more than one look takes: look again at once.
    """

    cursor: str
    issues: tuple[Issue, ...] = ()
    comments: tuple[Comment, ...] = ()
    labels: tuple[LabelChange, ...] = ()
    pulls: tuple[PullRequest, ...] = ()
    is_complete: bool = True

    @property
    def is_empty(self) -> bool:
        return not (self.issues or self.comments or self.labels or self.pulls)
