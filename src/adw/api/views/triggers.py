"""Triggers and schedules on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from adw.api.wire import Wire
from adw.domain.schedule import Schedule
from adw.domain.triggers import Outcome, TriggerSource


class TriggerView(Wire):
    """Something that was told to us, or that a clock said, and what became of it."""

    id: int
    source: TriggerSource
    event: str
    outcome: Outcome
    reason: str | None = Field(description="A stable word; null where work was started or handed on")
    detail: str | None = Field(description="The reason as a sentence")
    repository: str | None
    project_id: str | None
    sender: str | None
    number: int | None = Field(description="The issue or pull request it is about")
    adw_id: str | None = Field(description="The workflow it started or was handed on to")
    times: int = Field(description="How often it was told")
    attempts: int = Field(description="How often it was worked on")
    received_at: datetime
    settled_at: datetime | None


class TriggerPage(Wire):
    """Newest first."""

    triggers: tuple[TriggerView, ...]
    next_cursor: str | None


class ScheduleView(Wire):
    """Work that starts by the clock."""

    id: str
    project_id: str
    cron: str
    zone: str
    prompt: str
    workflow_type: str | None = Field(description="null: the usual kind, `sdlc`")
    is_from_file: bool = Field(description="Whether it follows the project's adw.toml")
    created_by: str
    due_at: datetime
    last_due_at: datetime | None
    created_at: datetime


class ScheduleList(Wire):
    """The next due first."""

    schedules: tuple[ScheduleView, ...]


def schedule_view(schedule: Schedule) -> ScheduleView:
    plan = schedule.plan
    return ScheduleView(
        id=schedule.id,
        project_id=schedule.project_id,
        cron=plan.cron,
        zone=plan.zone,
        prompt=plan.prompt,
        workflow_type=plan.workflow,
        is_from_file=schedule.is_from_file,
        created_by=schedule.created_by,
        due_at=schedule.due_at,
        last_due_at=schedule.last_due_at,
        created_at=schedule.created_at,
    )
