"""What starts work by itself, of the client for programs without an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Triggers(Connection):
    """What came in from forges and clocks, and schedules."""

    def triggers(
        self, *, project: str | None = None, outcome: Sequence[str] = (), limit: int = 50, after: str | None = None
    ) -> t.TriggerPageDict:
        """Newest first; `after` is the `nextCursor` of the page before."""
        return self.send(calls.triggers.triggers(project, outcome=outcome, limit=limit, after=after))

    def schedules(self, *, project: str | None = None) -> t.ScheduleListDict:
        """The next due first."""
        return self.send(calls.triggers.schedules(project))

    def add_schedule(
        self, project: str, *, cron: str, prompt: str, zone: str | None = None, workflow_type: str | None = None
    ) -> t.ScheduleDict:
        """Work that starts whenever the cron line says so, in its time zone."""
        call = calls.triggers.add_schedule(
            project, cron=cron, prompt=prompt, zone=zone, workflow_type=workflow_type, actor=self.actor
        )
        return self.send(call)

    def remove_schedule(self, schedule_id: str) -> t.ScheduleDict:
        """Returns what it was."""
        return self.send(calls.triggers.remove_schedule(schedule_id))
