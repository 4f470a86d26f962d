"""How well work goes: one measurement for each workflow, and what many of them say together.

`attempts` is 1 when no phase failed, and one more for each attempt at a phase that was made because the one before had
failed. A phase that somebody wanted once more does not count.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large the plan and the change are, plan and page included; all 0 where nothing was written."""

    plan_lines: int = 0
    diff_files: int = 0
    diff_additions: int = 0
    diff_deletions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One workflow as it ended. `recorded_at` is when its phases were last over."""

    adw_id: str
    project_id: str
    workflow_type: str
    attempts: int
    repair_rounds: int
    """Conversations that mended what a check or test complained about."""
    review_rounds: int
    sizes: Sizes
    succeeded: bool
    recorded_at: datetime

    @property
    def at_first_attempt(self) -> bool:
        return self.succeeded and self.attempts == 1

    @property
    def diff_lines(self) -> int:
        return self.sizes.diff_additions + self.sizes.diff_deletions


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One number over many workflows."""

    total: int
    largest: int
    average: float
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiSummary:
    """Many workflows together. A streak is a run of successes at the first attempt, in the order they ended."""

    workflows: int
    succeeded: int
    at_first_attempt: int
    current_streak: int
    longest_streak: int
    attempts: Spread
    plan_lines: Spread
    diff_files: Spread
    diff_lines: Spread
    repair_rounds: Spread
    review_rounds: Spread


def sizes_of(diff: str, *, plan: bytes) -> Sizes:
    """Counts a unified diff as git writes it. What a hunk announces is counted, so no content passes for a header."""
    files = additions = deletions = old = new = 0
    for line in diff.split("\n"):
        hunk = None if old > 0 or new > 0 else _HUNK.match(line)
        if hunk is not None:
            old, new = int(hunk[1] or 1), int(hunk[2] or 1)
        elif old <= 0 and new <= 0:
            files += line.startswith("diff --git ")
        elif not line.startswith("\\"):
            sign = line[:1]
            additions, deletions = additions + (sign == "+"), deletions + (sign == "-")
            old, new = old - (sign != "+"), new - (sign != "-")
    return Sizes(
        plan_lines=len(plan.splitlines()), diff_files=files, diff_additions=additions, diff_deletions=deletions
    )


def summarise(kpis: Sequence[Kpi]) -> KpiSummary:
    """Sums up what is given oldest first."""
    current, longest = streaks([each.at_first_attempt for each in kpis])
    return KpiSummary(
        workflows=len(kpis),
        succeeded=sum(each.succeeded for each in kpis),
        at_first_attempt=sum(each.at_first_attempt for each in kpis),
        current_streak=current,
        longest_streak=longest,
        attempts=_spread([each.attempts for each in kpis]),
        plan_lines=_spread([each.sizes.plan_lines for each in kpis]),
        diff_files=_spread([each.sizes.diff_files for each in kpis]),
        diff_lines=_spread([each.diff_lines for each in kpis]),
        repair_rounds=_spread([each.repair_rounds for each in kpis]),
        review_rounds=_spread([each.review_rounds for each in kpis]),
    )


def streaks(successes: Sequence[bool]) -> tuple[int, int]:
    """How many of the last ones succeeded without a break, and the most that ever did."""
    current = longest = 0
    for success in successes:
        current = current + 1 if success else 0
        longest = max(longest, current)
    return current, longest


def _spread(numbers: Sequence[int]) -> Spread:
    if not numbers:
        return Spread(total=0, largest=0, average=0.0, median=0.0)
    return Spread(
        total=sum(numbers),
        largest=max(numbers),
        average=statistics.fmean(numbers),
        median=float(statistics.median(numbers)),
    )
