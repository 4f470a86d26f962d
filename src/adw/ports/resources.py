"""What the machine has left for new work."""

from __future__ import annotations

from typing import Protocol

from adw.domain.shortage import Headroom

__all__ = ["Headroom", "Resources"]


class Resources(Protocol):
    """Looks at the machine."""

    def look(self) -> Headroom: ...
