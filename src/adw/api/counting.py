"""Counts what this process was asked and how it answered, by the routes' own addresses, so that nobody can add rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adw.api.access.routing import NOWHERE, destination_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is counted apart."""

    method: str
    route: str
    status: int


@dataclass(slots=True)
class Counts:
    """Requests of this process since it began. Seconds are those until an answer began."""

    requests: Counter[Asked] = field(default_factory=Counter[Asked])
    seconds: dict[Asked, float] = field(default_factory=dict[Asked, float])

    def add(self, asked: Asked, *, took_s: float) -> None:
        self.requests[asked] += 1
        self.seconds[asked] = self.seconds.get(asked, 0.0) + took_s

    def __iter__(self) -> Iterator[tuple[Asked, int, float]]:
        """Each with how often, and how many seconds altogether."""
        for asked, count in sorted(self.requests.items(), key=lambda item: str(item[0])):
            yield asked, count, self.seconds[asked]


class Counting:
    """ASGI middleware, around everything else. Counts into `app.state.counts`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                counts: Counts = scope["app"].state.counts
                counts.add(_asked(scope, int(message["status"])), took_s=time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, counted)


def _asked(scope: Scope, status: int) -> Asked:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = getattr(scope.get("route"), "path", None) or destination_of(scope).template
    return Asked(method, route or NOWHERE, status)
