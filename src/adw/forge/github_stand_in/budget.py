"""How much each asker may still ask in this hour."""

from __future__ import annotations

import time
from dataclasses import dataclass

from adw.forge.github_stand_in.errors import RefusedError

_ANONYMOUS = 60
_HOUR_S = 3600

GRAPHQL = " graphql"
"""Ends the name of an asker whose questions in GraphQL are counted on their own."""


@dataclass(slots=True)
class _Window:
    used: int
    reset: int


class Budgets:
    """Counts requests by asker, in windows of an hour; answers that say nothing changed are free."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._windows: dict[str, _Window] = {}

    def check(self, asker: str) -> None:
        """Raises RefusedError (403) once there is nothing left."""
        if self._window(asker).used >= self._of(asker):
            raise RefusedError(403, "API rate limit exceeded", headers=self.headers(asker))

    def spend(self, asker: str) -> None:
        self._window(asker).used += 1

    def left(self, asker: str) -> tuple[int, int, int]:
        """The limit, what is left of it, and when it is whole again, in seconds since 1970."""
        window = self._window(asker)
        limit = self._of(asker)
        return limit, max(limit - window.used, 0), window.reset

    def headers(self, asker: str) -> dict[str, str]:
        limit, left, reset = self.left(asker)
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(limit - left),
            "x-ratelimit-reset": str(reset),
            "x-ratelimit-resource": "graphql" if asker.endswith(GRAPHQL) else "core",
        }

    def _of(self, asker: str) -> int:
        return self._limit if asker else min(_ANONYMOUS, self._limit)

    def _window(self, asker: str) -> _Window:
        now = int(time.time())
        window = self._windows.get(asker)
        if window is None or window.reset <= now:
            window = self._windows[asker] = _Window(used=0, reset=now + _HOUR_S)
        return window
