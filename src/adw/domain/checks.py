"""What a build or lint run says, and which of its errors the base does not have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint of a tool, without line numbers: those move with every edit."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """One setup, build or lint run. `output_tail` is the end of what it printed."""

    name: str
    command: str
    ok: bool
    exit_code: int | None
    duration_ms: int
    timed_out: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    output_tail: str = ""


def new_errors(*, baseline: CheckOutcome | None, now: CheckOutcome) -> tuple[Diagnostic, ...]:
    """The errors of `now` that the base lacks; `()` when it passed, or failed only as the base does.

    A complaint made more often than on the base is new as well. A run that did not end is always an error, unless
    the base's did not end either.
    """
    if now.ok:
        return ()
    if now.timed_out:
        both = baseline is not None and baseline.timed_out
        return () if both else (Diagnostic("", f"`{now.command}` did not end in time"),)
    found = Counter(now.diagnostics)
    fresh = found - Counter(baseline.diagnostics if baseline else ())
    if fresh:
        return tuple(fresh.elements())
    if baseline is not None and not baseline.ok:
        return ()
    return tuple(found) or (Diagnostic("", f"`{now.command}` failed with exit status {now.exit_code}"),)
