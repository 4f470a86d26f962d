from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.conftest import Eventually
from tests.intake.conftest import door, first_repository, make_repository, repository
from tests.intake.triggers.conftest import TriggerStage
from tests.intake.triggers.conftest import stage as plain_stage
from tests.worker.test_poller import Polled, Repository, label, polled

from adw.domain.schedule import Plan
from adw.domain.triggers import Outcome, TriggerSource
from adw.store.schedules import add_schedule
from adw.worker.triggering import keep_triggering

__all__ = ["door", "first_repository", "make_repository", "plain_stage", "polled", "repository"]


@pytest.fixture
async def working(polled: Polled) -> AsyncIterator[TriggerStage]:
    """A stage whose triggers are kept as a worker keeps them: a label to be polled, and a schedule that is due."""
    stage = polled.stage
    issue = await stage.issue("adw:plan")
    async with stage.database.begin() as connection:
        plan = Plan(cron="0 * * * *", prompt="Tidy up", workflow="plan")
        await add_schedule(connection, project_id=stage.project.id, plan=plan, created_by="ann")
        past = datetime.now(UTC) - timedelta(days=2)
        await connection.execute(text("UPDATE schedules SET due_at = :past"), {"past": past})
    source = Repository(labels=[label(issue.number, by="sam")])
    keeping = asyncio.create_task(keep_triggering(polled.parts, source, owner="w1"))
    yield stage
    assert not keeping.done()
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_what_is_polled_scheduled_or_told_is_worked_on(working: TriggerStage, eventually: Eventually):
    async def settled() -> set[tuple[TriggerSource, Outcome]]:
        rows = await working.deliveries()
        found = {(row.source, row.outcome) for row in rows if row.outcome is not Outcome.PENDING}
        return found if len(found) == 3 else set()

    await working.hear(working.comment(await working.issue(), "@adw plan"))
    assert await eventually(settled) == {
        (TriggerSource.WEBHOOK, Outcome.STARTED),
        (TriggerSource.SCHEDULE, Outcome.STARTED),
        (TriggerSource.POLL, Outcome.REFUSED),
    }
