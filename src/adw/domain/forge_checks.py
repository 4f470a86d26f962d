"""What a forge's own checks say of a commit, whoever runs them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CheckState(StrEnum):
    """How a check stands. Neutral ones, such as skipped checks, neither prove nor forbid anything."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of one commit, in its latest run. `conclusion` is the forge's own word for how it ended.

    `id` means something to the forge alone. `summary` is what the check tells of itself, often nothing.
    """

    id: str
    name: str
    sha: str
    state: CheckState
    conclusion: str | None = None
    summary: str = ""
    url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    can_rerun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRules:
    """What the forge demands before anything is merged into a branch. `methods` are the ways of merging it allows."""

    is_protected: bool = False
    required_checks: tuple[str, ...] = ()
    required_approvals: int = 0
    must_be_up_to_date: bool = False
    methods: tuple[str, ...] = ("squash",)


def overall(checks: Sequence[Check], *, required: Collection[str] = ()) -> CheckState:
    """What all checks together say. A required one that never appeared is pending; no checks at all are neutral."""
    states = {check.state for check in checks}
    missing = set(required) - {check.name for check in checks}
    if CheckState.FAILED in states:
        return CheckState.FAILED
    if CheckState.PENDING in states or missing:
        return CheckState.PENDING
    return CheckState.PASSED if CheckState.PASSED in states else CheckState.NEUTRAL
