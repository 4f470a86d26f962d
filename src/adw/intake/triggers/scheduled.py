"""Work whose time has come."""

from __future__ import annotations

from adw.domain.kinds import MERGING, canonical_kind
from adw.domain.notices import ScheduleNotice
from adw.domain.project import Project
from adw.domain.triggers import Outcome, Refused, Verdict, Why
from adw.intake.request import WorkRequest
from adw.intake.triggers.parts import TriggerParts
from adw.store.schedules import get_schedule
from adw.store.trigger_intents import live_of_schedule
from adw.store.workflows import find_by_idempotency_key

USUAL_KIND = "sdlc"
SOURCE = "schedule"


async def start_scheduled(parts: TriggerParts, notice: ScheduleNotice, project: Project) -> Verdict:
    """One workflow for each moment of a schedule. Raises Refused, and what intake refuses with."""
    async with parts.database.read() as connection:
        schedule = await get_schedule(connection, notice.schedule_id)
        running = await live_of_schedule(connection, notice.schedule_id)
        known = await find_by_idempotency_key(connection, notice.key)
    if schedule is None:
        raise Refused(Why.SCHEDULE_GONE, "the schedule was removed meanwhile", outcome=Outcome.IGNORED)
    if running not in {None, known and known.adw_id}:
        raise Refused(Why.STILL_RUNNING, f"workflow {running} of the same schedule is not done yet")
    kind = canonical_kind(schedule.plan.workflow or USUAL_KIND)
    if kind in MERGING and not (await parts.config_of(project)).triggers.zte:
        raise Refused(Why.ZTE_OFF, f"`{kind}` merges by itself, which the project has not allowed with `zte = true`")
    taken = await parts.intake.accept(
        WorkRequest(
            project=project.id,
            kind=kind,
            actor=schedule.created_by,
            source=SOURCE,
            prompt=schedule.plan.prompt,
            idempotency_key=notice.key,
            origin={"schedule": schedule.id, "dueAt": notice.due_at.isoformat()},
        )
    )
    return Verdict(outcome=Outcome.STARTED, adw_id=taken.workflow.adw_id)
