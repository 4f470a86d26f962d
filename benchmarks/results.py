"""What a figure found: samples with their unit, the baseline's beside them, and the goal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of a figure. Samples are one per repetition; what is shown is their median."""

    name: str
    unit: str
    samples: Sequence[float]
    baseline: Sequence[float] = ()
    baseline_name: str = ""
    goal_at_most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def baseline_median(self) -> float | None:
        return statistics.median(self.baseline) if self.baseline else None

    @property
    def ratio(self) -> float | None:
        """The median over the baseline's; None without one."""
        base = self.baseline_median
        return self.median / base if base else None

    @property
    def met(self) -> bool | None:
        return None if self.goal_at_most is None else self.median <= self.goal_at_most

    def as_dict(self) -> dict[str, Any]:
        derived = {
            "median": self.median,
            "baseline_median": self.baseline_median,
            "ratio": self.ratio,
            "met": self.met,
        }
        return {**asdict(self), **derived}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Details under a figure, such as where the time went."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """All that one figure has to say."""

    title: str
    setting: str
    """What was run, in a sentence."""
    measures: Sequence[Measure]
    tables: Sequence[Table] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "setting": self.setting,
            "measures": [measure.as_dict() for measure in self.measures],
            "tables": [asdict(table) for table in self.tables],
        }


def figure_from(value: dict[str, Any]) -> Figure:
    """The inverse of `as_dict`."""
    names = Measure.__slots__
    return Figure(
        title=value["title"],
        setting=value["setting"],
        measures=[Measure(**{name: each[name] for name in names}) for each in value["measures"]],
        tables=[Table(**each) for each in value["tables"]],
    )


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` 0.95 is p95."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
