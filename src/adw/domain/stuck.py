"""When an agent is stuck, told from facts alone, and what is done about it: a nudge, then a new beginning, then an end.

Everything here is a frozen value: facts go in, a sighting or an action comes out. No model is ever asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from adw.domain.agent import AgentMessage

LONGEST_CYCLE = 3
"""Calls that may take turns and still count as one loop."""

_PASSING = re.compile(
    r"0x[0-9a-f]+|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"|\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|s|secs?|seconds?)\b",
    re.IGNORECASE,
)
"""What differs between two runs of the same thing: durations, times of day, addresses."""

_REMARKS = frozenset({"description"})
"""Inputs that change nothing about what a tool does."""

_COUNTED_ELSEWHERE = frozenset({"StructuredOutput"})
"""Answers of a wrong form: runtimes give up on them by themselves, and say so."""


class StuckKind(StrEnum):
    """The fact that shows it."""

    SILENCE = "silence"
    """Nothing at all was heard."""
    STREAM = "stream"
    """An answer had begun, and no more of it came."""
    REPETITION = "repetition"
    """The same calls of tools, with the same results, over and over."""
    ROUNDS = "rounds"
    """Rounds of repair that repair nothing."""


class StuckAction(StrEnum):
    """What is done, in this order."""

    NUDGE = "nudge"
    """The turn is broken off, and the same conversation is told the fact."""
    RESTART = "restart"
    """A new conversation about the same task."""
    STOP = "stop"
    """The phase fails, with the fact as its reason."""


class TreeRule(StrEnum):
    """What a new conversation finds in the workspace."""

    KEEP = "keep"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckLimits:
    """How much is too much."""

    stream_s: float
    """Without a token, once an answer has begun."""
    same_calls: int
    """Equal calls with equal results, in a row."""
    same_cycles: int
    """Repetitions of a cycle of two or three calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckPolicy:
    """How often each milder action is tried in one conversation's record before the next one."""

    nudges: int
    restarts: int
    tree: TreeRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An agent was found stuck. `fact` is the rest of a sentence about it: `it has ...`."""

    kind: StuckKind
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What one turn of a conversation has shown so far."""

    limits: StuckLimits
    is_writing: bool = False
    """Whether an answer of the model has begun and not ended."""
    calls: tuple[tuple[str, str], ...] = ()
    """The latest calls that have their results, each as (fingerprint, how it is shown)."""
    _open: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def take(self, message: AgentMessage, *, shown: str = "") -> Watch:
        """Adds what was heard. `shown` tells a person what a call of a tool does."""
        seen = replace(self, is_writing=message.kind == "delta")
        if message.kind == "tool_use" and message.tool_name not in _COUNTED_ELSEWHERE:
            call = fingerprint(message.tool_name or "", message.tool_input or {})
            return replace(seen, _open={**self._open, message.tool_use_id or "": (call, shown)})
        key = message.tool_use_id or ""
        if message.kind != "tool_result" or key not in self._open:
            return seen
        call, shown = self._open[key]
        done = (_digest(call, str(message.is_error), lasting(message.text)), shown)
        still = {other: value for other, value in self._open.items() if other != key}
        return replace(seen, _open=still, calls=(*self.calls, done)[-self._remembered :])

    @property
    def patience_s(self) -> float | None:
        """How long nothing more may be heard now, if the stream itself bounds it."""
        return self.limits.stream_s if self.is_writing else None

    def stalled(self) -> Sighting:
        """What is to be said once that time has passed."""
        return Sighting(
            kind=StuckKind.STREAM,
            fact=f"it began an answer and wrote no more of it for {self.limits.stream_s:g} s",
        )

    def repetition(self) -> Sighting | None:
        """The loop that the latest calls are in, if they are in one."""
        for length in range(1, LONGEST_CYCLE + 1):
            times = self.limits.same_calls if length == 1 else self.limits.same_cycles
            latest = self.calls[-length * times :]
            if len(latest) == length * times and _repeats(latest, length):
                return Sighting(kind=StuckKind.REPETITION, fact=_loop([each[1] for each in latest[:length]], times))
        return None

    @property
    def _remembered(self) -> int:
        return max(self.limits.same_calls, LONGEST_CYCLE * self.limits.same_cycles)


def next_action(policy: StuckPolicy, before: Sequence[StuckAction]) -> StuckAction:
    """What to do about an agent that is stuck once more. `before` is what was done already, for whatever reason.

    It never goes back to something milder, and comes to an end after `nudges + restarts` actions.
    """
    restarts = before.count(StuckAction.RESTART)
    if StuckAction.STOP not in before:
        if not restarts and before.count(StuckAction.NUDGE) < policy.nudges:
            return StuckAction.NUDGE
        if restarts < policy.restarts:
            return StuckAction.RESTART
    return StuckAction.STOP


def made_progress(*, previous: Collection[object], now: Collection[object]) -> bool:
    """Whether a round of repair achieved something: a problem that was there before it is gone."""
    return bool(set(previous) - set(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Rounds of repair, by the problems that were open after each. `patience` rounds without progress are too many."""

    patience: int = 1
    idle: int = 0
    """Rounds without progress, up to the latest."""
    _open: frozenset[object] | None = None

    def take(self, now: Collection[object]) -> Rounds:
        idle = self._open is not None and not made_progress(previous=self._open, now=now)
        return replace(self, idle=self.idle + 1 if idle else 0, _open=frozenset(now))

    @property
    def are_stuck(self) -> bool:
        return self.idle >= self.patience

    def sentence(self) -> str:
        """The fact, once they are."""
        if self.idle == 1:
            return "the last round of repair made no progress"
        return f"the last {self.idle} rounds of repair made no progress"


def fingerprint(tool: str, given: Mapping[str, Any]) -> str:
    """The same for the same call, whatever the order of its inputs and what the agent says it is for."""
    meant = {key: value for key, value in given.items() if key not in _REMARKS}
    return _digest(tool, json.dumps(meant, sort_keys=True, ensure_ascii=True, default=str))


def lasting(result: str) -> str:
    """A result without what differs from run to run though nothing has changed."""
    return _PASSING.sub("·", result)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def _repeats(calls: Sequence[tuple[str, str]], length: int) -> bool:
    return all(call[0] == calls[place % length][0] for place, call in enumerate(calls))


def _loop(shown: Sequence[str], times: int) -> str:
    if len(shown) == 1:
        return f"it has made the same call {times} times in a row, with the same result each time: {shown[0]}"
    return f"it has made the same {len(shown)} calls {times} times over, with the same results: {'; '.join(shown)}"
