"""Triggers and schedules, as the server tells them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import TypedDict


class TriggerDict(TypedDict):
    id: int
    source: str
    event: str
    outcome: str
    reason: str | None
    detail: str | None
    repository: str | None
    projectId: str | None
    sender: str | None
    number: int | None
    adwId: str | None
    times: int
    attempts: int
    receivedAt: str
    settledAt: str | None


class TriggerPageDict(TypedDict):
    triggers: list[TriggerDict]
    nextCursor: str | None


class ScheduleDict(TypedDict):
    id: str
    projectId: str
    cron: str
    zone: str
    prompt: str
    workflowType: str | None
    isFromFile: bool
    createdBy: str
    dueAt: str
    lastDueAt: str | None
    createdAt: str


class ScheduleListDict(TypedDict):
    schedules: list[ScheduleDict]
