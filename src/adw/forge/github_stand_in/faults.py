"""Faults on order: what goes wrong with which request, and how often."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Literal

from adw.forge.github_stand_in.asgi import Reply, Request
from adw.forge.github_stand_in.errors import DOCUMENTATION
from adw.forge.github_stand_in.world import World

Kind = Literal["primary_limit", "secondary_limit", "error", "error_after", "slow", "lost_before", "lost", "stale"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One kind of trouble for requests whose method and path (without the API's prefix) match, `times` times.

    `primary_limit`, `secondary_limit`: 403 (429 if that is the `status`) with the time to come back, nothing done.
    `error`: `status` and nothing done; `error_after`: the same answer, but it was done. `slow`: `seconds` late.
    `lost_before`, `lost`: the connection closes without an answer, before or after it was done. `stale`: after the next
    matching change, readings answer from the moment before it, for `seconds` or `reads`, whichever ends first.
    """

    kind: Kind
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int = 502
    seconds: float = 60.0
    reads: int = 1_000_000

    def matches(self, request: Request) -> bool:
        return bool(re.fullmatch(self.method, request.method) and re.search(self.path, request.path))


@dataclass(slots=True, kw_only=True)
class Past:
    """A moment before a change, from which readings still answer."""

    world: World
    until: float
    reads: int


@dataclass(slots=True)
class Faults:
    """What is still to go wrong, in the order it was asked for; `met` counts what did."""

    waiting: list[Fault] = field(default_factory=list[Fault])
    met: list[Fault] = field(default_factory=list[Fault])
    pasts: list[Past] = field(default_factory=list[Past])

    def add(
        self,
        kind: Kind,
        *,
        method: str = ".*",
        path: str = ".*",
        times: int = 1,
        status: int = 502,
        seconds: float = 60.0,
        reads: int = 1_000_000,
    ) -> Fault:
        """Orders a fault; see `Fault` for the kinds. Method and path are regular expressions."""
        fault = Fault(kind=kind, method=method, path=path, times=times, status=status, seconds=seconds, reads=reads)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        self.waiting.clear()
        self.pasts.clear()

    def take(self, request: Request) -> Fault | None:
        """The first fault meant for this request, used up by one."""
        for fault in self.waiting:
            if fault.kind == "stale" and request.method in {"GET", "HEAD"}:
                continue
            if fault.matches(request):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                self.met.append(fault)
                return fault
        return None

    def past(self, request: Request) -> World | None:
        """The world as it was, for a reading that shall not see the present yet."""
        now = time.monotonic()
        self.pasts = [past for past in self.pasts if past.until > now and past.reads > 0]
        if request.method not in {"GET", "HEAD"} or not self.pasts:
            return None
        self.pasts[0].reads -= 1
        return self.pasts[0].world


def refusal(fault: Fault) -> Reply | None:
    """The answer of a fault that keeps the request from being done, None for other kinds."""
    reset = str(int(time.time() + fault.seconds))
    body = {"documentation_url": f"{DOCUMENTATION}/rate-limits"}
    status = 429 if fault.status == 429 else 403  # noqa: PLR2004 - GitHub uses either
    if fault.kind == "primary_limit":
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "x-ratelimit-resource": "core"}
        return Reply(status=status, json={"message": "API rate limit exceeded", **body}, headers=headers)
    if fault.kind == "secondary_limit":
        words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return Reply(status=status, json={"message": words, **body}, headers={"retry-after": f"{fault.seconds:.0f}"})
    return failure(fault) if fault.kind == "error" else None


def failure(fault: Fault) -> Reply:
    """A server error as GitHub's front shows it."""
    return Reply(status=fault.status, json={"message": "Server Error"})
