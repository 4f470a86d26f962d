"""Who of the queued starts next, and why the others wait. Rules only: what is so is handed in, what follows comes out.

Urgency first, which grows with waiting, so that nothing waits for ever; then fairness between projects; then age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adw.domain.shortage import Shortage
from adw.domain.status import PrState, Status

AGEING_S = 600.0
"""After each such while of waiting a workflow counts as one priority more urgent than it was handed in with."""


class QueueReason(StrEnum):
    """What a queued workflow waits for."""

    DEPENDS_ON = "depends_on"
    DISK = "disk"
    MEMORY = "memory"
    CPU = "cpu"
    START_RATE = "start_rate"
    OPEN_PULL_REQUESTS = "open_pull_requests"
    PROJECT_LIMIT = "project_limit"
    SLOTS = "slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """The reason, and a sentence's end for a person: "queued: ..."."""

    reason: QueueReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A workflow that another one waits for."""

    adw_id: str
    status: Status
    pr_state: PrState


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What counts of a queued workflow. `unmet` are those it depends on that are not done."""

    adw_id: str
    project_id: str
    priority: int
    waited_s: float
    project_limit: int | None = None
    open_limit: int | None = None
    """Pull requests of its project that may wait for people when it starts; None for what has one itself."""
    unmet: tuple[Parent, ...] = ()

    @property
    def urgency(self) -> int:
        return self.priority + int(max(0.0, self.waited_s) // AGEING_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a project has of the whole: how many are active, how many pull requests wait, and how long ago one was last
    started, if ever.
    """

    active: int = 0
    waiting_for_people: int = 0
    """Pull requests that are open while nothing is done about them by itself."""
    unserved_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Limits, what is in use, and what is short on every host that could start something."""

    slots: int
    per_project: int | None = None
    """For projects that name no limit of their own."""
    shares: Mapping[str, Share] = field(default_factory=dict[str, Share])
    shortage: Shortage | None = None

    @property
    def active(self) -> int:
        return sum(share.active for share in self.shares.values())

    def share(self, project_id: str) -> Share:
        return self.shares.get(project_id, Share())

    def limit_of(self, queued: Queued) -> int | None:
        return self.per_project if queued.project_limit is None else queued.project_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who starts now, if anybody, and why everybody else does not. Whoever is merely not first has no reason yet."""

    start: Queued | None
    waits: Mapping[str, Because]


def is_done(status: Status, pr_state: PrState) -> bool:
    """Whether those that depend on such a workflow may start: merged, or done without any pull request."""
    return pr_state is PrState.MERGED or (status is Status.COMPLETED and pr_state is PrState.NONE)


def decide(queue: Iterable[Queued], situation: Situation) -> Decision:
    """The most urgent of those whom nothing keeps; of equally urgent ones, of the project that is served least."""
    waits: dict[str, Because] = {}
    first: Queued | None = None
    for each in queue:
        because = _kept(each, situation)
        if because is not None:
            waits[each.adw_id] = because
        elif first is None or _turn(each, situation) < _turn(first, situation):
            first = each
    return Decision(start=first, waits=waits)


def is_news(old: Because | None, new: Because) -> bool:
    """Whether a changed reason is worth an event: counts that go up and down are not."""
    if old is None or old.reason is not new.reason:
        return True
    return new.reason is QueueReason.DEPENDS_ON and old.detail != new.detail


def _turn(each: Queued, situation: Situation) -> tuple[int, int, float, float, str]:
    share = situation.share(each.project_id)
    unserved_s = float("inf") if share.unserved_s is None else share.unserved_s
    return (-each.urgency, share.active, -unserved_s, -each.waited_s, each.adw_id)


def _kept(each: Queued, situation: Situation) -> Because | None:
    if each.unmet:
        return Because(reason=QueueReason.DEPENDS_ON, detail=_waits_for(each.unmet))
    if situation.shortage is not None:
        return Because(reason=QueueReason(situation.shortage.kind), detail=situation.shortage.detail)
    if (because := _kept_by_people(each, situation)) is not None:
        return because
    limit, active = situation.limit_of(each), situation.share(each.project_id).active
    if limit is not None and active >= limit:
        return Because(
            reason=QueueReason.PROJECT_LIMIT, detail=f"waiting for a slot of its project ({active} of {limit} in use)"
        )
    if situation.active >= situation.slots:
        in_use = f"{situation.active} of {situation.slots} in use"
        return Because(reason=QueueReason.SLOTS, detail=f"waiting for a slot ({in_use})")
    return None


def _kept_by_people(each: Queued, situation: Situation) -> Because | None:
    waiting = situation.share(each.project_id).waiting_for_people
    if each.open_limit is None or waiting < each.open_limit:
        return None
    return Because(
        reason=QueueReason.OPEN_PULL_REQUESTS,
        detail=f"{waiting} pull requests of its project wait for people, and {each.open_limit} may: see `adw pr list`",
    )


def _waits_for(unmet: tuple[Parent, ...]) -> str:
    """The first that needs somebody to do something, else the first."""
    shown = min(unmet, key=lambda each: not _advice(each))
    more = f" (and {len(unmet) - 1} more)" if len(unmet) > 1 else ""
    return f"waits for {shown.adw_id}, {_how_it_is(shown)}{_advice(shown)}{more}"


def _how_it_is(parent: Parent) -> str:
    if parent.status is Status.COMPLETED:
        is_closed = parent.pr_state is PrState.CLOSED
        return "whose pull request was closed" if is_closed else "whose pull request is not merged yet"
    return {
        Status.FAILED: "which has failed",
        Status.CANCELLED: "which was cancelled",
        Status.QUEUED: "which is queued itself",
    }.get(parent.status, f"which is {parent.status}")


def _advice(parent: Parent) -> str:
    if parent.status is Status.FAILED:
        return f": `adw workflow retry {parent.adw_id}`, or cancel this one"
    if parent.status is Status.CANCELLED or parent.pr_state is PrState.CLOSED:
        return " and will never be done: cancel this one"
    return ""
