"""From which commit a phase began, as the recorded attempts tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adw.domain.phase import PhaseRow, PhaseStatus
from adw.domain.workflow import Workflow
from adw.kit.errors import UsageError, WrongStateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A commit, and the time from which on everything was built on it. None: from the very beginning."""

    commit: str
    since: datetime | None


def check_phase(workflow: Workflow, phase: str) -> None:
    """Raises UsageError when the workflow has no such phase."""
    if phase not in workflow.phases:
        raise UsageError(
            f"workflow {workflow.adw_id} has no phase {phase!r}", hint=f"it has: {', '.join(workflow.phases)}"
        )


def has_run(rows: Sequence[PhaseRow], phase: str) -> bool:
    return any(row.phase == phase for row in rows)


def point_before(workflow: Workflow, rows: Sequence[PhaseRow], phase: str) -> Point:
    """Where the first attempt at the phase began that still counts; without one, where the phase before it ended."""
    alive = [row for row in rows if row.phase == phase and row.status is not PhaseStatus.SUPERSEDED]
    if alive:
        return Point(commit=alive[0].commit_before or workflow.base_sha, since=alive[0].started_at)
    order = workflow.phases.index(phase) if phase in workflow.phases else len(workflow.phases)
    earlier = finished(rows, workflow.phases[:order])
    if not earlier:
        return Point(commit=workflow.base_sha, since=None)
    last = list(earlier.values())[-1]
    return Point(commit=last.commit_after or workflow.base_sha, since=last.ended_at)


def finished(rows: Sequence[PhaseRow], names: Sequence[str]) -> dict[str, PhaseRow]:
    """The completed attempt of each of these phases that has one, in their order."""
    done = {row.phase: row for row in rows if row.status is PhaseStatus.COMPLETED}
    return {name: done[name] for name in names if name in done}


def require_finished(workflow: Workflow, rows: Sequence[PhaseRow], names: Sequence[str]) -> dict[str, PhaseRow]:
    """The completed attempts of all these phases. Raises WrongStateError when one is missing."""
    found = finished(rows, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise WrongStateError(
            f"workflow {workflow.adw_id} has not completed {', '.join(missing)}",
            hint=f"see `adw workflow show {workflow.adw_id}`",
        )
    return found
