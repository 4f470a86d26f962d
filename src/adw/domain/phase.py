"""What a phase leaves behind: its result, and evidence bound to a commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from adw.domain.failure import Failure
from adw.domain.usage import Usage


class PhaseStatus(StrEnum):
    """How an attempt at a phase stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class GateOutcome(StrEnum):
    """What a gate found. `not_applicable` is said aloud and never counts as passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A gate's result for one exact commit; never edited."""

    gate: str
    outcome: GateOutcome
    commit: str
    summary: str
    config_hash: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """Evidence as recorded, with the phase and attempt it belongs to."""

    adw_id: str
    phase: str
    attempt: int
    evidence: Evidence
    superseded: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRow:
    """One attempt at one phase."""

    adw_id: str
    phase: str
    attempt: int
    status: PhaseStatus
    commit_before: str | None
    commit_after: str | None
    usage: Usage
    failure: Failure | None
    data: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime | None
    summary: str | None = None
    """What a model says it came to, where a project wants that."""

    @property
    def duration_ms(self) -> int | None:
        """Wall-clock time from start to end; None while running."""
        return None if self.ended_at is None else int((self.ended_at - self.started_at).total_seconds() * 1000)
