"""The state machine of a workflow, as data.

Paused means a person stopped it; waiting means the system needs something; cancelled is final.
"""

from __future__ import annotations

from enum import StrEnum

from adw.kit.errors import WrongStateError


class Status(StrEnum):
    """Where a workflow stands."""

    QUEUED = "queued"
    ACTIVE = "active"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitReason(StrEnum):
    """What a waiting workflow needs."""

    APPROVAL = "approval"
    QUESTION = "question"
    BUDGET = "budget"
    USAGE_LIMIT = "usage_limit"
    REVIEW = "review"
    CI = "ci"


class PrState(StrEnum):
    """How far the workflow's pull request got."""

    NONE = "none"
    DRAFT = "draft"
    READY = "ready"
    MERGED = "merged"
    CLOSED = "closed"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.ACTIVE, Status.PAUSED, Status.CANCELLED}),
    Status.ACTIVE: frozenset(
        {Status.WAITING, Status.PAUSED, Status.COMPLETED, Status.FAILED, Status.CANCELLED},
    ),
    Status.WAITING: frozenset({Status.ACTIVE, Status.PAUSED, Status.FAILED, Status.CANCELLED}),
    Status.PAUSED: frozenset({Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.CANCELLED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.COMPLETED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset(),
}

UNFINISHED = frozenset({Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.PAUSED})
OPEN_PR_STATES = frozenset({PrState.DRAFT, PrState.READY})


def is_live(status: Status, pr_state: PrState) -> bool:
    """Whether the workflow still occupies its issue: it may yet change something, or its pull request is open."""
    return status in UNFINISHED or (status is not Status.CANCELLED and pr_state in OPEN_PR_STATES)


def check_transition(current: Status, target: Status) -> None:
    """Raises WrongStateError, with the moves that are allowed, when `target` cannot follow `current`."""
    if target in TRANSITIONS[current]:
        return
    allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it is final"
    raise WrongStateError(
        f"a workflow that is {current} cannot become {target}",
        hint=_ADVICE.get(current, f"from {current} it can become {allowed}"),
    )


_ADVICE = {
    Status.CANCELLED: "a cancelled workflow is final; start a new one with `adw run`",
    Status.COMPLETED: "it has completed; start new work with `adw run`",
    Status.FAILED: "it has failed; `adw workflow retry` runs the failed phase again",
}
