"""What the machine has left for new work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """In bytes; None where nobody can tell. The floors are what has to be left for new work to begin."""

    free_disk: int | None = None
    available_memory: int | None = None
    least_disk: int = 0
    least_memory: int = 0


class Resources(Protocol):
    """Looks at the machine."""

    def look(self) -> Headroom: ...
