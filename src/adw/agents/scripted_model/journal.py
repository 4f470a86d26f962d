"""What was asked and answered, for tests that compare books: the last 10,000 requests, and totals of all."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_KEPT_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request. Token counts are those the caller was told; a broken stream tells only its opening."""

    path: str
    status: int
    rule: str | None = None
    fault: int | str | None = None
    role: str | None = None
    phase: str | None = None
    model: str = ""
    stream: bool = False
    step: int = 0
    turn: int = 0
    seen: int = 0
    digest: str = ""
    message_id: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Totals:
    """Sums over every request since the start."""

    requests: int = 0
    answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Journal:
    """The book of one server."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._entries: deque[JournalEntry] = deque(maxlen=_KEPT_ENTRIES)
        self._seen: OrderedDict[str, int] = OrderedDict()

    @property
    def entries(self) -> tuple[JournalEntry, ...]:
        return tuple(self._entries)

    def rules(self) -> list[str | None]:
        """The names of the rules that answered, in order."""
        return [entry.rule for entry in self._entries]

    def record(self, entry: JournalEntry) -> None:
        self._entries.append(entry)
        self.totals.requests += 1
        self.totals.answered += entry.fault is None and entry.message_id is not None
        self.totals.input_tokens += entry.input_tokens
        self.totals.output_tokens += entry.output_tokens

    def sighting(self, digest: str) -> int:
        """How often this very request came before; counts it."""
        before = self._seen.pop(digest, 0)
        self._seen[digest] = before + 1
        if len(self._seen) > _KEPT_ENTRIES:
            self._seen.popitem(last=False)
        return before

    def as_json(self) -> dict[str, Any]:
        return {"requests": [asdict(entry) for entry in self._entries], "totals": asdict(self.totals)}
