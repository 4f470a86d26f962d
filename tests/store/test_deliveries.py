from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adw.domain.account import Account
from adw.domain.notices import CommentNotice, IssueNotice, IssueText, Origin, PushNotice
from adw.domain.project import ForgeKind
from adw.domain.triggers import Outcome, TriggerSource, Verdict, Why
from adw.store import deliveries as rows
from adw.store.db import Database

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHERE = Origin(forge=ForgeKind.GITHUB, repository="o/r", sender=Account(login="ann"), at=NOW)
COMMENT = CommentNotice(origin=WHERE, comment_id="1", number=7, body="@adw sdlc")
IGNORED = Verdict(outcome=Outcome.IGNORED, why=Why.NO_TRIGGER, detail="nothing")


async def record(database: Database, notice: Any = COMMENT, *, guid: str | None = None, poll: bool = False):
    source = TriggerSource.POLL if poll else TriggerSource.WEBHOOK
    async with database.begin() as connection:
        return await rows.record(connection, rows.arrival_of(notice, source, guid=guid))


async def claim(database: Database, *, hold_s: float = 60.0):
    async with database.begin() as connection:
        return await rows.claim(connection, hold_s=hold_s)


async def settle(database: Database, delivery_id: int, verdict: Verdict = IGNORED) -> None:
    async with database.begin() as connection:
        await rows.settle(connection, delivery_id, verdict)


async def listed(database: Database, **wanted: Any):
    async with database.read() as connection:
        return await rows.list_deliveries(connection, **wanted)


async def test_a_notice_is_written_down_and_worked_on_by_one(database: Database):
    made = await record(database, guid="g1")
    assert made.outcome is Outcome.PENDING
    tasks = await asyncio.gather(*(claim(database) for _ in range(4)))
    [task] = [each for each in tasks if each is not None]
    assert (task.id, task.notice, task.attempts) == (made.id, COMMENT, 1)


async def test_a_delivery_that_comes_again_is_counted_and_not_worked_on_again(database: Database):
    first = await record(database, guid="g1")
    again = await record(database, guid="g1")
    assert (again.id, again.outcome) == (first.id, Outcome.DUPLICATE)
    [row] = await listed(database)
    assert (row.times, row.outcome) == (2, Outcome.PENDING)


async def test_what_happened_is_worked_on_once_whatever_the_delivery_is_called(database: Database):
    first = await record(database, guid="g1")
    replayed = await record(database, guid="g2")
    polled = await record(database, poll=True)
    assert (replayed.outcome, replayed.reason) == (Outcome.DUPLICATE, "repeated")
    assert polled.id == first.id
    assert [(row.outcome, row.times) for row in await listed(database)] == [
        (Outcome.DUPLICATE, 1),
        (Outcome.PENDING, 2),
    ]
    assert (await claim(database)) is not None
    assert (await claim(database)) is None


async def test_many_processes_that_hear_of_it_at_once_agree_on_one(database: Database):
    made = await asyncio.gather(
        *(record(database, guid=f"g{index % 5}") for index in range(10)),
        *(record(database, poll=True) for _ in range(3)),
    )
    assert [each.outcome for each in made].count(Outcome.PENDING) == 1
    pending = await listed(database, outcomes=[Outcome.PENDING])
    assert len(pending) == 1


async def test_what_only_makes_somebody_look_again_may_be_told_any_number_of_times(database: Database):
    push = PushNotice(origin=WHERE, branch="main", sha="a" * 40)
    made = [await record(database, push, guid=f"g{index}") for index in range(3)]
    assert [each.outcome for each in made] == [Outcome.PENDING] * 3


async def test_a_row_whose_worker_died_is_taken_up_by_another(database: Database):
    made = await record(database, guid="g1")
    assert (await claim(database, hold_s=0.0)) is not None
    again = await claim(database)
    assert again is not None
    assert (again.id, again.attempts) == (made.id, 2)


async def test_what_is_settled_stays_settled_and_forgets_the_text(database: Database):
    made = await record(database, guid="g1")
    await settle(database, made.id)
    await settle(database, made.id, Verdict(outcome=Outcome.STARTED, adw_id="1a2b3c4d"))
    [row] = await listed(database)
    assert (row.outcome, row.reason, row.detail, row.adw_id) == (Outcome.IGNORED, "no_trigger", "nothing", None)
    assert row.settled_at is not None
    assert await claim(database) is None
    async with database.read() as connection:
        kept = (await connection.execute(text("SELECT notice FROM webhook_deliveries"))).scalar_one()
    assert kept is None


async def test_a_row_is_tried_again_when_its_time_has_come(database: Database):
    made = await record(database, guid="g1")
    await claim(database)
    async with database.begin() as connection:
        await rows.postpone(connection, made.id, by_s=60.0, detail="the forge is away")
    assert await claim(database) is None
    async with database.begin() as connection:
        await rows.postpone(connection, made.id, by_s=0.0, detail="the forge is away")
    again = await claim(database)
    assert again is not None
    assert again.attempts == 2


async def test_strangers_fill_one_row_an_hour_and_occupy_no_id(database: Database):
    for why in (Why.BAD_SIGNATURE, Why.BAD_SIGNATURE, Why.NO_SECRET):
        async with database.begin() as connection:
            verdict = Verdict(outcome=Outcome.REFUSED, why=why, detail="who is it?")
            await rows.count_refused(connection, event="issues\x00", verdict=verdict)
    found = await listed(database, outcomes=[Outcome.REFUSED])
    assert sorted((row.reason, row.times) for row in found) == [("bad_signature", 2), ("no_secret", 1)]


async def test_a_text_that_could_not_be_stored_is_stored_without_what_is_wrong(database: Database):
    odd = IssueText(number=7, title="a\x00b", body="\ud800", state="open", author=Account(login="ann"))
    made = await record(database, IssueNotice(origin=WHERE, action="opened", issue=odd), guid="g1")
    task = await claim(database)
    assert task is not None
    assert isinstance(task.notice, IssueNotice)
    assert (task.id, task.notice.issue.body) == (made.id, "?")


async def test_a_notice_nobody_can_read_any_more_is_told_as_such(database: Database):
    await record(database, guid="g1")
    async with database.begin() as connection:
        await connection.execute(text("""UPDATE webhook_deliveries SET notice = '{"kind": "older"}'"""))
    task = await claim(database)
    assert task is not None
    assert task.notice is None


async def test_what_is_old_or_too_much_goes_and_what_waits_stays(database: Database):
    first = await record(database, guid="g0")
    for index in range(1, 5):
        arrival = rows.Arrival(source=TriggerSource.WEBHOOK, event="star", guid=f"g{index}", verdict=IGNORED)
        async with database.begin() as connection:
            await rows.record(connection, arrival)
    async with database.begin() as connection:
        assert await rows.purge(connection, rows=3) == 1
        assert await rows.purge(connection, rows=3) == 0
        assert await rows.purge(connection, keep=timedelta(0)) == 3
    assert [row.id for row in await listed(database)] == [first.id]


@pytest.mark.parametrize("limit", [1, 2])
async def test_pages_are_newest_first(database: Database, limit: int):
    ids = [(await record(database, PushNotice(origin=WHERE, branch="b", sha=None), guid=f"g{n}")).id for n in range(3)]
    assert [row.id for row in await listed(database, limit=limit)] == ids[::-1][:limit]
    assert [row.id for row in await listed(database, before=ids[2], limit=limit)] == ids[1::-1][:limit]
    assert await listed(database, project_id="p", repository="O/R", limit=limit)
    assert await listed(database, project_id="p", repository="o/other", limit=limit) == []
