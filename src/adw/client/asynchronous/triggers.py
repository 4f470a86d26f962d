"""What starts work by itself, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncTriggers(AsyncConnection):
    """What came in from forges and clocks, and schedules."""

    async def triggers(
        self, *, project: str | None = None, outcome: Sequence[str] = (), limit: int = 50, after: str | None = None
    ) -> t.TriggerPageDict:
        """Newest first; `after` is the `nextCursor` of the page before."""
        return await self.send(calls.triggers.triggers(project, outcome=outcome, limit=limit, after=after))

    async def schedules(self, *, project: str | None = None) -> t.ScheduleListDict:
        """The next due first."""
        return await self.send(calls.triggers.schedules(project))

    async def add_schedule(
        self, project: str, *, cron: str, prompt: str, zone: str | None = None, workflow_type: str | None = None
    ) -> t.ScheduleDict:
        """Work that starts whenever the cron line says so, in its time zone."""
        call = calls.triggers.add_schedule(
            project, cron=cron, prompt=prompt, zone=zone, workflow_type=workflow_type, actor=self.actor
        )
        return await self.send(call)

    async def remove_schedule(self, schedule_id: str) -> t.ScheduleDict:
        """Returns what it was."""
        return await self.send(calls.triggers.remove_schedule(schedule_id))
