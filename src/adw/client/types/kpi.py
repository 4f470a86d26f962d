"""How well work goes, as the server tells it."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import TypedDict


class SpreadDict(TypedDict):
    total: int
    largest: int
    average: float
    median: float


class KpiSummaryDict(TypedDict):
    workflows: int
    succeeded: int
    atFirstAttempt: int
    currentStreak: int
    longestStreak: int
    attempts: SpreadDict
    planLines: SpreadDict
    diffFiles: SpreadDict
    diffLines: SpreadDict
    repairRounds: SpreadDict
    reviewRounds: SpreadDict


class KpiGroupDict(TypedDict):
    projectId: str
    projectName: str
    workflowType: str
    summary: KpiSummaryDict


class KpiDict(TypedDict):
    adwId: str
    projectId: str
    workflowType: str
    succeeded: bool
    attempts: int
    repairRounds: int
    reviewRounds: int
    planLines: int
    diffFiles: int
    diffAdditions: int
    diffDeletions: int
    recordedAt: str


class KpiTableDict(TypedDict):
    since: str | None
    groups: list[KpiGroupDict]
    total: KpiSummaryDict
    workflows: list[KpiDict]
