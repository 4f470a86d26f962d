"""What people are told outside of our own screens: which events, to whom, how urgently, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from adw.domain.events import EventType
from adw.domain.quiet import QuietHours, minute_of
from adw.kit.errors import UsageError

RED_CHECKS = "red_checks"
"""Stands for a round that failing checks of an open pull request begin; it has no event of its own."""

HEADLINES: Mapping[str, str] = MappingProxyType(
    {
        EventType.APPROVAL_REQUESTED: "A decision is needed",
        EventType.APPROVAL_DECIDED: "Decided",
        EventType.WORKFLOW_CREATED: "Accepted",
        EventType.WORKFLOW_STARTED: "Started",
        EventType.WORKFLOW_WAITING: "Waiting",
        EventType.WORKFLOW_PAUSED: "Paused",
        EventType.WORKFLOW_RESUMED: "Going on",
        EventType.WORKFLOW_COMPLETED: "Completed",
        EventType.WORKFLOW_FAILED: "Failed",
        EventType.WORKFLOW_CANCELLED: "Cancelled",
        EventType.WORKFLOW_RECOVERED: "Taken up again",
        EventType.PHASE_COMPLETED: "Phase completed",
        EventType.PHASE_FAILED: "Phase failed",
        EventType.GATE_FAILED: "Gate failed",
        EventType.AGENT_STUCK: "An agent is stuck",
        EventType.PULL_REQUEST_OPENED: "Pull request opened",
        EventType.PULL_REQUEST_UPDATED: "Pull request changed",
        EventType.PULL_REQUEST_MERGED: "Merged",
        EventType.BUDGET_WARNING: "Money runs short",
        EventType.WORKER_LOST: "A worker was lost",
        EventType.ERROR: "Something went wrong",
        RED_CHECKS: "Checks are red",
    }
)
"""All that a rule can name, and how it is called in a message. What agents say is not among it."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "attention": (
            EventType.APPROVAL_REQUESTED,
            EventType.WORKFLOW_FAILED,
            RED_CHECKS,
            EventType.BUDGET_WARNING,
            EventType.AGENT_STUCK,
        ),
        "ends": (EventType.WORKFLOW_COMPLETED, EventType.WORKFLOW_FAILED, EventType.WORKFLOW_CANCELLED),
        "pulls": (EventType.PULL_REQUEST_OPENED, EventType.PULL_REQUEST_MERGED),
    }
)
"""Short words for several of them."""


class DeliveryState(StrEnum):
    """How far one message has got. `failed` stays so until somebody asks for it again; `dropped` had nothing to say."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Events are gathered: for at most `minutes`, or until the next of these minutes of the day in `zone`."""

    minutes: int | None = None
    at: tuple[int, ...] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """What a channel is to be told. No projects: all of them. `urgent` events wait neither for a digest nor for the
    end of quiet hours.
    """

    channel_id: str
    events: tuple[str, ...]
    project_ids: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()
    digest: Digest | None = None
    quiet: QuietHours | None = None
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it is kept. While it is not enabled, what happens is not told later either."""

    id: str
    channel_id: str
    channel: str
    events: tuple[str, ...]
    project_ids: tuple[str, ...]
    urgent: tuple[str, ...]
    digest: Digest | None
    quiet: QuietHours | None
    zone: str
    enabled: bool
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way. `id` is the same at each attempt; a test has no rule."""

    id: str
    channel_id: str
    channel: str
    rule_id: str | None
    state: DeliveryState
    attempt: int
    items: int
    due_at: datetime
    error: str | None
    created_at: datetime
    ended_at: datetime | None


def digest_of(*, minutes: int | None, at: Sequence[str], zone: str) -> Digest | None:
    """From `08:00` and the like. Raises UsageError."""
    if minutes is None and not at:
        return None
    if minutes is not None and at:
        raise UsageError("a digest comes every so many minutes or at fixed times", hint="give one of the two")
    return Digest(minutes=minutes, at=tuple(sorted({minute_of(each) for each in at})), zone=zone)


def expand_events(names: Iterable[str]) -> tuple[str, ...]:
    """Events and groups as events, each once. Raises UsageError."""
    found: dict[str, None] = {}
    for name in names:
        members = GROUPS.get(name) or ((name,) if name in HEADLINES else ())
        if not members:
            raise UsageError(
                f"nobody can be told of {name[:100]!r}",
                hint=f"name one of {', '.join(GROUPS)}, or an event such as {', '.join(list(HEADLINES)[:4])}",
            )
        found.update(dict.fromkeys(str(member) for member in members))
    return tuple(found)
