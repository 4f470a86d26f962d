"""Time, as seen by code that a test may want to hold still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a component gets the time from."""

    def now(self) -> datetime:
        """The present moment, always in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
