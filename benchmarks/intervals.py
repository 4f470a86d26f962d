"""Lengths of overlapping intervals: what runs side by side must not be counted twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same stretch of time as disjoint intervals, in order."""
    merged: list[Interval] = []
    for begin, end in sorted(each for each in intervals if each[1] > each[0]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def length(intervals: Iterable[Interval]) -> float:
    """How long at least one of them lasts."""
    return sum(end - begin for begin, end in union(intervals))


def within(intervals: Iterable[Interval], bounds: Interval) -> list[Interval]:
    """What of them lies inside the bounds."""
    low, high = bounds
    return [(max(begin, low), min(end, high)) for begin, end in intervals if end > low and begin < high]


def shares(groups: list[tuple[str, list[Interval]]], bounds: Interval) -> dict[str, float]:
    """Each moment counted once, for the first group that covers it; `rest` is what none covers."""
    found: dict[str, float] = {}
    covered: list[Interval] = []
    for name, intervals in groups:
        before = length(covered)
        covered = union([*covered, *within(intervals, bounds)])
        found[name] = length(covered) - before
    found["rest"] = bounds[1] - bounds[0] - length(covered)
    return found
