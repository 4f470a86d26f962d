from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from tests.intake.triggers.conftest import TriggerStage

from adw.domain.notices import ScheduleNotice
from adw.domain.schedule import Plan
from adw.domain.triggers import Outcome, TriggerSource, Why
from adw.store.schedules import add_schedule, list_schedules
from adw.worker.scheduler import Scheduler

FILE = '[[triggers.schedules]]\ncron = "0 3 * * 1"\nprompt = "Update the dependencies"\nworkflow = "plan"\n'


async def due(stage: TriggerStage, plan: Plan) -> None:
    """A schedule whose moment has just come."""
    async with stage.database.begin() as connection:
        await add_schedule(connection, project_id=stage.project.id, plan=plan, created_by="ann")
        past = datetime.now(UTC) - timedelta(days=2)
        await connection.execute(text("UPDATE schedules SET due_at = :past"), {"past": past})


async def test_a_moment_that_has_come_is_one_piece_of_work_however_many_workers_look(stage: TriggerStage):
    await due(stage, Plan(cron="0 * * * *", prompt="Tidy up", workflow="plan"))
    schedulers = [Scheduler(stage.parts) for _ in range(3)]
    noted = [await scheduler.note_one() for scheduler in schedulers]
    assert noted == [True, False, False]
    await stage.work()
    [workflow] = await stage.started()
    assert (workflow.workflow_type, workflow.issue_title) == ("plan", "Tidy up")
    assert (workflow.trigger["source"], workflow.trigger["actor"]) == ("schedule", "ann")
    [row] = await stage.deliveries()
    assert (row.source, row.outcome, row.adw_id) == (TriggerSource.SCHEDULE, Outcome.STARTED, workflow.adw_id)


async def test_a_schedule_that_is_gone_starts_nothing(stage: TriggerStage):
    origin = stage.origin("ann")
    notice = ScheduleNotice(origin=origin, schedule_id="1a2b3c4d", due_at=origin.at)
    assert (await stage.told(notice)).reason == Why.SCHEDULE_GONE


async def test_work_of_a_schedule_does_not_begin_beside_itself(stage: TriggerStage):
    await due(stage, Plan(cron="0 * * * *", prompt="Tidy up", workflow="plan"))
    for minutes in (1, 2):
        await Scheduler(stage.parts).note_one()
        await stage.work()
        await _again(stage, minutes=minutes)
    [workflow] = await stage.started()
    refused, started = await stage.deliveries()
    assert (started.outcome, refused.outcome, refused.reason) == (
        Outcome.STARTED,
        Outcome.REFUSED,
        Why.STILL_RUNNING,
    )
    assert workflow.adw_id in (refused.detail or "")
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE adw_workflows SET status = 'completed'"))
    await Scheduler(stage.parts).note_one()
    await stage.work()
    assert len(await stage.started()) == 2


async def _again(stage: TriggerStage, *, minutes: int) -> None:
    """Its next moment has come as well."""
    past = datetime.now(UTC) - timedelta(minutes=minutes)
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE schedules SET due_at = :past"), {"past": past})


async def test_a_schedule_merges_by_itself_only_where_the_project_consents(stage: TriggerStage):
    await due(stage, Plan(cron="0 * * * *", prompt="Tidy up", workflow="zte"))
    await Scheduler(stage.parts).note_one()
    await stage.work()
    [row] = await stage.deliveries()
    assert (row.outcome, row.reason) == (Outcome.REFUSED, Why.ZTE_OFF)


async def test_schedules_follow_the_projects_file(stage: TriggerStage):
    scheduler = Scheduler(stage.parts)

    async def crons() -> list[str]:
        await scheduler.follow_files()
        async with stage.database.read() as connection:
            return [each.plan.cron for each in await list_schedules(connection, project_id=stage.project.id)]

    assert await crons() == []
    stage.configure(FILE)
    assert await crons() == ["0 3 * * 1"]
    stage.configure("[triggers]\nnonsense = 1\n")
    assert await crons() == ["0 3 * * 1"]
    stage.configure("")
    assert await crons() == []
