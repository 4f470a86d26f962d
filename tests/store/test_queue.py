from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from adw.domain.admission import AGEING_S, Because, QueueReason, is_done
from adw.domain.events import EventType, NewEvent
from adw.domain.status import PrState, Status
from adw.store import queue
from adw.store.events import get_workflow_events
from adw.store.tables.workflows import workflows
from adw.store.workflows import require_workflow, transition

TOLD = NewEvent(type=EventType.WORKFLOW_UPDATED)
SLOTS = Because(reason=QueueReason.SLOTS, detail="waiting for a slot (3 of 3 in use)")


async def change(database, adw_id, **values):
    async with database.begin() as connection:
        await connection.execute(update(workflows).where(workflows.c.adw_id == adw_id).values(**values))


async def age(database, adw_id, seconds):
    async with database.begin() as connection:
        older = text(
            "UPDATE adw_workflows SET queued_at = queued_at - make_interval(secs => :s) WHERE adw_id = :adw_id"
        )
        await connection.execute(older, {"s": seconds, "adw_id": adw_id})


async def heads(database, **how):
    async with database.read() as connection:
        return {each.adw_id for each in await queue.heads_of_queue(connection, **how)}


async def test_the_heads_are_the_oldest_of_each_project_priority_and_limit(database, make_workflow):
    first = await make_workflow(issue_number=1)
    second = await make_workflow(issue_number=2)
    urgent = await make_workflow(issue_number=3, priority=1)
    limited = await make_workflow(issue_number=4, project_limit=1)
    assert await heads(database) == {first.adw_id, urgent.adw_id, limited.adw_id}
    assert await heads(database, without=[first.adw_id]) == {second.adw_id, urgent.adw_id, limited.adw_id}


async def test_what_the_database_takes_for_done_is_what_the_rule_says(database, make_workflow):
    parent = await make_workflow(issue_number=1)
    child = await make_workflow(issue_number=2, priority=5, depends_on=(parent.adw_id,))
    reasons = {Status.WAITING: {"wait_reason": "ci"}, Status.PAUSED: {"paused_from": "active"}}
    for status, pr_state in product(Status, PrState):
        values = {"wait_reason": None, "paused_from": None, **reasons.get(status, {})}
        await change(database, parent.adw_id, status=status.value, pr_state=pr_state.value, **values)
        done = is_done(status, pr_state)
        assert (child.adw_id in await heads(database)) is done, (status, pr_state)
        async with database.read() as connection:
            told = {each.queued.adw_id: each for each in await queue.whole_queue(connection)}
        assert bool(told[child.adw_id].queued.unmet) is not done


async def test_a_workflow_cannot_wait_for_itself(make_workflow):
    with pytest.raises(IntegrityError, match="depends_on_others"):
        await make_workflow(adw_id="1a2b3c4d", depends_on=("1a2b3c4d",))


async def test_shares_count_the_active_and_tell_how_long_ago_a_project_was_served(database, make_workflow):
    one = await make_workflow(issue_number=1)
    async with database.begin() as connection:
        before = await queue.shares(connection)
        await transition(connection, one.adw_id, to=Status.ACTIVE, event=TOLD)
        await queue.mark_served(connection, one.project_id)
        after = await queue.shares(connection)
    assert (before[one.project_id].active, before[one.project_id].unserved_s) == (0, None)
    assert after[one.project_id].active == 1
    assert 0 <= (after[one.project_id].unserved_s or 0) < 5


async def test_a_reason_is_kept_told_once_and_gone_with_the_queue(database, make_workflow):
    workflow = await make_workflow()
    more = Because(reason=QueueReason.SLOTS, detail="waiting for a slot (4 of 3 in use)")
    for because in (SLOTS, SLOTS, more):
        async with database.begin() as connection:
            await queue.write_reasons(connection, {workflow.adw_id: because})
    async with database.begin() as connection:
        events = await get_workflow_events(connection, workflow.adw_id, types=[EventType.WORKFLOW_UPDATED])
        assert [each.message for each in events] == ["queued: waiting for a slot (3 of 3 in use)"]
        assert (await require_workflow(connection, workflow.adw_id)).queued_because == more
        started = await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=TOLD)
        assert started.queued_because is None
        await queue.write_reasons(connection, {workflow.adw_id: SLOTS})
        assert (await require_workflow(connection, workflow.adw_id)).queued_because is None


async def test_who_is_locked_is_not_waited_for(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as one, database.begin() as other:
        assert await queue.claim_queued(one, workflow.adw_id) is not None
        assert await queue.claim_queued(other, workflow.adw_id) is None
        await queue.write_reasons(other, {workflow.adw_id: SLOTS})
    async with database.read() as connection:
        assert (await require_workflow(connection, workflow.adw_id)).queued_because is None


async def test_places_in_line_go_by_urgency_then_age_and_leave_out_who_waits_for_others(database, make_workflow):
    plain, urgent, old, child = [await make_workflow(issue_number=n, priority=int(n == 1)) for n in range(4)]
    await age(database, old.adw_id, 2 * AGEING_S + 1)
    parent = Because(reason=QueueReason.DEPENDS_ON, detail="waits")
    async with database.begin() as connection:
        await queue.write_reasons(connection, {child.adw_id: parent})
        found = await queue.positions(connection, [each.adw_id for each in (plain, urgent, old, child)])
    assert found == {old.adw_id: 1, urgent.adw_id: 2, plain.adw_id: 3}


async def test_a_pause_keeps_the_place_in_line_and_a_retry_takes_a_new_one(database, make_workflow):
    workflow = await make_workflow()
    await age(database, workflow.adw_id, 1000)

    async def waited_s():
        async with database.read() as connection:
            return (await queue.heads_of_queue(connection))[0].waited_s

    async with database.begin() as connection:
        paused = {"paused_from": "queued"}
        await transition(connection, workflow.adw_id, to=Status.PAUSED, event=TOLD, changes=paused)
        await transition(connection, workflow.adw_id, to=Status.QUEUED, event=TOLD)
    assert await waited_s() > 900
    async with database.begin() as connection:
        for status in (Status.ACTIVE, Status.FAILED, Status.QUEUED):
            await transition(connection, workflow.adw_id, to=status, event=TOLD)
    assert await waited_s() < 900


async def test_pull_requests_that_wait_for_people_are_counted_and_bound_only_new_work(database, make_workflow):
    open_one = await make_workflow(issue_number=1)
    new = await make_workflow(issue_number=2, open_pull_limit=1)
    round_ = await make_workflow(issue_number=3, open_pull_limit=1)
    await change(database, open_one.adw_id, status="completed", pr_state="ready")
    await change(database, round_.adw_id, pr_state="draft")
    async with database.read() as connection:
        (share,) = (await queue.shares(connection)).values()
        found = {each.adw_id: each.open_limit for each in await queue.heads_of_queue(connection)}
        told = {each.queued.adw_id: each.queued.open_limit for each in await queue.whole_queue(connection)}
    assert share.waiting_for_people == 1
    assert found == told == {new.adw_id: 1, round_.adw_id: None}
