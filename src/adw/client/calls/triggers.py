"""Calls about what starts work by itself."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import types as t
from adw.client.calls.call import Call, segment


def triggers(
    project: str | None, *, outcome: Sequence[str] = (), limit: int = 50, after: str | None = None
) -> Call[t.TriggerPageDict]:
    params = {"project": project, "outcome": tuple(outcome), "limit": limit, "after": after}
    return Call(method="GET", path="/api/triggers", params=params)


def schedules(project: str | None) -> Call[t.ScheduleListDict]:
    return Call(method="GET", path="/api/schedules", params={"project": project})


def add_schedule(
    project: str, *, cron: str, prompt: str, zone: str | None, workflow_type: str | None, actor: str
) -> Call[t.ScheduleDict]:
    body = {"project": project, "cron": cron, "prompt": prompt, "zone": zone, "workflowType": workflow_type}
    return Call(method="POST", path="/api/schedules", body={**body, "actor": actor})


def remove_schedule(schedule_id: str) -> Call[t.ScheduleDict]:
    return Call(method="DELETE", path=f"/api/schedules/{segment(schedule_id)}")
