"""Conversations about places in a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadComment:
    """One remark in a thread. `key` is the effect it came from, known only for replies written with one by us."""

    id: str
    author: str
    body: str
    created_at: datetime
    author_is_bot: bool = False
    key: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewThread:
    """A remark on a line (None: on the whole file) with the answers to it, oldest first; never empty.

    Outdated: the line it speaks of has changed since.
    """

    id: str
    number: int
    path: str
    line: int | None
    comments: tuple[ThreadComment, ...]
    is_resolved: bool = False
    is_outdated: bool = False
