"""A model tells what a phase came to: once, on the workflow's account, and never at the expense of the work."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text
from tests.chat.conftest import MODEL, Talk, says

from adw.chat.summaries import MAX_SUMMARY_CHARS, Summaries
from adw.chat.tools import Doors
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import PhaseStatus
from adw.intake.service import WorkRequest
from adw.store import phases, summaries, usage
from adw.store.events import append_event
from adw.worker.summarist import keep_summarizing

FAILURE = Failure(failure_class=FailureClass.GATE_FAILED, message="2 tests fail")


@pytest.fixture
def writer(talk: Talk, doors: Doors, tmp_path) -> Summaries:
    return Summaries(
        database=talk.database,
        runtime=talk.conversations.runtime,
        gateway=talk.conversations.gateway,
        access=doors.access,
        folder=tmp_path / "summaries",
        model=MODEL,
    )


@pytest.fixture
async def adw_id(doors: Doors, repository) -> str:
    order = WorkRequest(project=str(repository), kind="sdlc", actor="Ada", source="cli", prompt="Fix the date")
    return (await doors.intake.accept(order)).workflow.adw_id


async def end(talk: Talk, adw_id: str, status: PhaseStatus = PhaseStatus.FAILED, phase: str = "build") -> None:
    async with talk.database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase=phase, attempt=1, commit_before=None)
    async with talk.database.begin() as connection:
        said = NewEvent(
            type=EventType.AGENT_TEXT, phase=phase, message="I see </log> it.", data={"role": "implementor"}
        )
        await append_event(connection, adw_id, said)
        await phases.end_phase(
            connection, adw_id=adw_id, phase=phase, attempt=1, status=status, failure=FAILURE, summarize=True
        )


async def summary_of(talk: Talk, adw_id: str) -> str | None:
    async with talk.database.read() as connection:
        return (await phases.list_phases(connection, adw_id))[-1].summary


def tells(talk: Talk, *steps) -> None:
    rule = {"name": "tells", "when": {"role": "summarizer", "phase": "build", "any_text": "implementor: I see"}}
    talk.follow(rule | {"steps": list(steps)})


async def test_it_is_asked_for_once_and_booked_on_the_workflow_and_its_phase(talk: Talk, writer: Summaries, adw_id):
    tells(talk, says("It built\n nothing;  2 tests fail."))
    await end(talk, adw_id)
    assert await writer.write_one()
    assert not await writer.write_one()
    assert await summary_of(talk, adw_id) == "It built nothing; 2 tests fail."
    assert talk.requests == 1
    async with talk.database.read() as connection:
        whole = await usage.usage_of_workflow(connection, adw_id)
        assert (await usage.usage_by_phase(connection, adw_id))["build"] == whole
    assert whole.requests == 1
    assert whole.cost_usd


async def test_a_summary_is_one_line_of_bounded_length(talk: Talk, writer: Summaries, adw_id):
    tells(talk, says("word " * 500))
    await end(talk, adw_id)
    await writer.write_one()
    assert len(await summary_of(talk, adw_id) or "") == MAX_SUMMARY_CHARS


async def test_one_that_fails_is_tried_twice_and_then_absent(talk: Talk, writer: Summaries, adw_id):
    tells(talk, {"fault": 400})
    await end(talk, adw_id)
    for _ in range(phases.SUMMARY_TRIES):
        assert await writer.write_one()
        assert not await writer.write_one(), "the try is held until its lease is over"
        async with talk.database.begin() as connection:
            await connection.execute(text("UPDATE adw_phases SET summary_until = now() - interval '1 second'"))
    assert not await writer.write_one()
    assert await summary_of(talk, adw_id) is None


async def test_a_phase_without_agents_and_one_of_a_spent_budget_are_not_told_of(talk: Talk, writer: Summaries, adw_id):
    await end(talk, adw_id, PhaseStatus.COMPLETED)
    assert await writer.write_one()
    async with talk.database.begin() as connection:
        await usage.set_budget(connection, adw_id, budget_usd=Decimal(1))
        await connection.execute(text("UPDATE workflow_budgets SET spent_usd = 0.95"))
    await end(talk, adw_id, phase="test")
    assert await writer.write_one()
    assert not await writer.write_one()
    assert talk.requests == 0


async def test_whoever_lost_the_try_can_write_nothing(talk: Talk, adw_id):
    await end(talk, adw_id)
    async with talk.database.begin() as connection:
        first = await summaries.take_wish(connection)
        assert first is not None
        assert await summaries.take_wish(connection) is None
        await connection.execute(text("UPDATE adw_phases SET summary_until = now() - interval '1 second'"))
        second = await summaries.take_wish(connection)
        assert second is not None
        assert not await summaries.keep_summary(connection, first, "one")
        assert await summaries.keep_summary(connection, second, "two")
        assert not await summaries.keep_summary(connection, second, "three")
    assert await summary_of(talk, adw_id) == "two"


async def test_a_try_that_is_put_off_is_not_counted(talk: Talk, adw_id):
    await end(talk, adw_id)
    for _ in range(3):
        async with talk.database.begin() as connection:
            wish = await summaries.take_wish(connection)
            assert wish is not None
            await summaries.postpone(connection, wish, by_s=-1)


async def test_a_worker_writes_those_that_are_wanted(talk: Talk, writer: Summaries, adw_id, eventually):
    tells(talk, says("Two tests fail."))
    writing = asyncio.create_task(keep_summarizing(writer, look_s=0.02))
    await end(talk, adw_id)

    async def told() -> bool:
        return await summary_of(talk, adw_id) == "Two tests fail."

    await eventually(told)
    writing.cancel()
