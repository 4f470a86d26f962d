"""What a notification says, as values that every kind of channel puts into its own form.

Titles and messages may come from issues, agents and logs: they are cut, made one line, and rid of characters that
reorder or hide text. What a channel takes for markup, its own sender escapes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adw.domain.effect_key import unmark
from adw.domain.notifications import HEADLINES

MAX_TITLE_CHARS = 120
MAX_MESSAGE_CHARS = 500
MOST_TOLD = 50
"""Events in one message; how many more there were is said."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An approval that was asked for. `link` leads to a page where it is answered; without one a command does."""

    id: str
    kind: str
    decision: str
    command: str
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event, ready to be told."""

    event: str
    adw_id: str
    seq: int
    project: str
    issue_number: int | None
    title: str
    phase: str | None
    message: str
    at: datetime
    asked: Asked | None = None

    @property
    def label(self) -> str:
        return HEADLINES.get(self.event, self.event)

    @property
    def subject(self) -> str:
        """What it is about: `tally #7 Totals are wrong (1a2b3c4d)`."""
        number = "" if self.issue_number is None else f" #{self.issue_number}"
        return " ".join(f"{self.project}{number} {self.title} ({self.adw_id})".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one delivery says. `omitted` events happened besides."""

    delivery_id: str
    channel: str
    rule_id: str | None
    told: Sequence[Told]
    omitted: int = 0

    @property
    def is_test(self) -> bool:
        return self.rule_id is None

    @property
    def summary(self) -> str:
        """One line."""
        if self.is_test:
            return f"A test of the channel {self.channel}: it works"
        if len(self.told) == 1 and not self.omitted:
            return f"{self.told[0].label}: {self.told[0].subject}"
        runs = len({each.adw_id for each in self.told})
        return f"{len(self.told) + self.omitted} events of {runs} {'workflow' if runs == 1 else 'workflows'}"


def one_line(text: str, *, limit: int) -> str:
    """The text without our markers, in one line of at most `limit` characters, without any that cannot be seen."""
    seen = "".join(char if unicodedata.category(char) not in _UNSEEN else " " for char in unmark(text)[0])
    line = " ".join(seen.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
