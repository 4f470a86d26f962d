"""One view of the model API's limits for all agents: a limit met by one of them holds back the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx

from adw.kit.clock import Clock

LONGEST_HOLD_S = 20.0
"""Requests wait here for a limit that ends sooner; a longer one is answered at once, so that the run can end."""

_END_OF_TIME_S = 1e11
"""Later moments do not fit a date; an upstream that names one is not believed."""


class SharedLimit:
    """When the model API will take requests again, as far as its refusals have said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.resets_at: datetime | None = None

    def note(self, status: int, headers: httpx.Headers) -> datetime | None:
        """Takes note of an answer. Returns when the limit it speaks of ends, if it is a refusal that says so."""
        if status != HTTPStatus.TOO_MANY_REQUESTS:
            return None
        until = _retry_after(headers, now=self._clock.now()) or _unified_reset(headers)
        if until is not None and (self.resets_at is None or until > self.resets_at):
            self.resets_at = until
        return until

    def remaining_s(self) -> float:
        """Seconds until the limit ends; 0 when there is none."""
        if self.resets_at is None:
            return 0.0
        return max(0.0, (self.resets_at - self._clock.now()).total_seconds())


def _retry_after(headers: httpx.Headers, *, now: datetime) -> datetime | None:
    seconds = _number(headers.get("retry-after"))
    return None if seconds is None else now + timedelta(seconds=seconds)


def _unified_reset(headers: httpx.Headers) -> datetime | None:
    """Subscriptions name the end of their usage limit in seconds since the epoch."""
    seconds = _number(headers.get("anthropic-ratelimit-unified-reset"))
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < _END_OF_TIME_S else None
