from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from adw.domain.agent import ModelSet
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import Failure, FailureClass
from adw.domain.status import TRANSITIONS, PrState, Status, WaitReason, is_live
from adw.domain.workflow import WorkflowOptions
from adw.kit.errors import DuplicateRunError, NotFoundError, UsageError, WrongStateError
from adw.store.events import FencedError, get_workflow_events
from adw.store.rows import failure_to
from adw.store.tables.workflows import workflows
from adw.store.workflows import (
    begin_leg,
    claim_ownership,
    count_active,
    fence_off,
    find_by_idempotency_key,
    find_live_on_issue,
    get_workflow,
    list_active_workflows,
    list_workflows,
    lock_workflow,
    require_workflow,
    resolve_prefix,
    transition,
    update_workflow,
)

TOLD = NewEvent(type=EventType.WORKFLOW_UPDATED, message="told")


async def put(database, adw_id, /, **values):
    """Writes columns past the state machine."""
    async with database.begin() as connection:
        await connection.execute(update(workflows).where(workflows.c.adw_id == adw_id).values(**values))


def columns_of(status: Status) -> dict[str, str | None]:
    return {
        "status": status.value,
        "wait_reason": "review" if status is Status.WAITING else None,
        "paused_from": "active" if status is Status.PAUSED else None,
    }


async def events_of(database, adw_id):
    async with database.read() as connection:
        return await get_workflow_events(connection, adw_id)


async def test_a_new_workflow_is_queued_with_its_first_event(database, make_workflow):
    made = await make_workflow(
        issue_title="A\0B",
        model_set=ModelSet.HEAVY,
        budget_usd=Decimal("2.50"),
        priority=3,
        options=WorkflowOptions(auto_resolve=False, plan_approval=True),
        trigger={"source": "cli", "actor": "ann"},
        idempotency_key="k1",
    )
    async with database.read() as connection:
        assert await get_workflow(connection, made.adw_id) == made
        assert await find_by_idempotency_key(connection, "k1") == made
        assert await find_by_idempotency_key(connection, "k2") is None
    assert (made.status, made.phase, made.pr_state, made.last_seq) == (Status.QUEUED, "initialized", PrState.NONE, 1)
    assert made.issue_title == "A\N{REPLACEMENT CHARACTER}B"
    assert (made.model_set, made.budget_usd, made.priority) == (ModelSet.HEAVY, Decimal("2.5"), 3)
    assert made.options == WorkflowOptions(auto_resolve=False, plan_approval=True)
    assert made.trigger == {"source": "cli", "actor": "ann"}
    (created,) = await events_of(database, made.adw_id)
    assert (created.seq, created.type) == (1, EventType.WORKFLOW_CREATED)
    assert created.data == {"workflowType": "plan-build-test", "issueNumber": 1, "title": made.issue_title}


async def test_every_pair_of_statuses_moves_only_as_the_table_says(database, make_workflow):
    workflow = await make_workflow()
    for current, target in product(Status, Status):
        await put(database, workflow.adw_id, **columns_of(current))
        changes = {name: value for name, value in columns_of(target).items() if value and name != "status"}
        async with database.begin() as connection:
            if target in TRANSITIONS[current]:
                moved = await transition(connection, workflow.adw_id, to=target, event=TOLD, changes=changes)
                assert moved.status is target
                assert (moved.wait_reason is not None) == (target is Status.WAITING)
                assert (moved.completed_at is not None) == (
                    target in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}
                )
            else:
                with pytest.raises(WrongStateError):
                    await transition(connection, workflow.adw_id, to=target, event=TOLD, changes=changes)


async def test_a_transition_rolled_back_leaves_neither_status_nor_event(database, make_workflow):
    workflow = await make_workflow()
    with suppress(RuntimeError):
        async with database.begin() as connection:
            await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=TOLD)
            raise RuntimeError
    async with database.read() as connection:
        assert await require_workflow(connection, workflow.adw_id) == workflow
    assert len(await events_of(database, workflow.adw_id)) == 1


async def test_the_first_start_stays_the_start(database, make_workflow):
    workflow = await make_workflow()
    starts = []
    for to in (Status.ACTIVE, Status.FAILED, Status.QUEUED, Status.ACTIVE):
        async with database.begin() as connection:
            starts.append((await transition(connection, workflow.adw_id, to=to, event=TOLD)).started_at)
    assert starts[0] is not None
    assert set(starts) == {starts[0]}


async def test_an_older_owner_can_neither_move_nor_change_a_workflow(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=TOLD)
        old = await claim_ownership(connection, workflow.adw_id, owner_id="first")
        await fence_off(connection, workflow.adw_id)
    async with database.begin() as connection:
        with pytest.raises(FencedError):
            await transition(connection, workflow.adw_id, to=Status.FAILED, event=TOLD, owner_epoch=old)
        with pytest.raises(FencedError):
            await update_workflow(connection, workflow.adw_id, changes={"head_sha": "x"}, event=TOLD, owner_epoch=old)
        assert (await require_workflow(connection, workflow.adw_id)).head_sha is None


async def test_only_the_present_leg_can_claim_a_workflow(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        assert await begin_leg(connection, workflow.adw_id) == 1
        assert await begin_leg(connection, workflow.adw_id) == 2
        epoch = await claim_ownership(connection, workflow.adw_id, owner_id="present", leg=2)
        with pytest.raises(FencedError):
            await claim_ownership(connection, workflow.adw_id, owner_id="late", leg=1)
        with pytest.raises(NotFoundError):
            await claim_ownership(connection, "0badbeef", owner_id="late", leg=1)
        now = await require_workflow(connection, workflow.adw_id)
    assert (now.owner_id, now.owner_epoch) == ("present", epoch)


async def test_a_status_cannot_be_changed_past_the_state_machine(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        with pytest.raises(UsageError):
            await update_workflow(connection, workflow.adw_id, changes={"status": "completed"})


async def test_a_change_without_an_event_of_its_own_is_told_all_the_same(database, make_workflow):
    workflow = await make_workflow()
    async with database.begin() as connection:
        changed = await update_workflow(
            connection, workflow.adw_id, changes={"head_sha": "a" * 40, "budget_usd": Decimal(2)}
        )
    assert changed.updated_at > workflow.updated_at
    assert (await events_of(database, workflow.adw_id))[-1].data == {"head_sha": "a" * 40, "budget_usd": "2"}


async def test_the_database_and_the_rules_agree_on_what_is_live(database, make_workflow):
    """All 35 pairs, on the index that keeps one live workflow for each issue and on the query that finds it."""
    first = await make_workflow(issue_number=7)
    second = await make_workflow(issue_number=8)
    for status, pr_state in product(Status, PrState):
        await put(database, first.adw_id, **columns_of(status), pr_state=pr_state.value)
        async with database.begin() as connection:
            found = await find_live_on_issue(connection, project_id=first.project_id, issue_number=7)
        assert (found is not None) == is_live(status, pr_state), (status, pr_state)
        if is_live(status, pr_state):
            with pytest.raises(IntegrityError, match="one_live_workflow_per_issue"):
                await put(database, second.adw_id, issue_number=7)
        else:
            await put(database, second.adw_id, issue_number=7)
            await put(database, second.adw_id, issue_number=8)


async def test_a_second_live_workflow_on_an_issue_is_refused_and_leaves_no_trace(database, make_workflow):
    await make_workflow(issue_number=7)
    with pytest.raises(DuplicateRunError, match="#7"):
        await make_workflow(issue_number=7, adw_id="0badbeef")
    async with database.read() as connection:
        assert await get_workflow(connection, "0badbeef") is None
    await make_workflow(issue_number=None)
    await make_workflow(issue_number=None)


async def test_of_many_at_once_one_gets_the_issue(make_workflow):
    made = await asyncio.gather(*(make_workflow(issue_number=7) for _ in range(8)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["DuplicateRunError"] * 7 + ["Workflow"]


async def test_an_idempotency_key_is_given_once(make_workflow):
    await make_workflow(idempotency_key="k")
    with pytest.raises(DuplicateRunError, match="idempotency"):
        await make_workflow(idempotency_key="k", issue_number=2)


@pytest.mark.parametrize(
    "values",
    [
        {"status": "stopped"},
        {"pr_state": "open"},
        {"wait_reason": "boredom", "status": "waiting"},
        {"status": "waiting"},
        {"wait_reason": "ci"},
        {"status": "paused"},
        {"paused_from": "active"},
        {"paused_from": "nowhere", "status": "paused"},
        {"failure_class": "bad_luck"},
        {"model_set": "huge"},
        {"phase": "Planning"},
        {"adw_id": "ABCDEF01"},
    ],
)
async def test_the_database_refuses_what_is_not_in_the_rules(database, make_workflow, values):
    workflow = await make_workflow()
    with pytest.raises(IntegrityError):
        await put(database, workflow.adw_id, **values)


async def test_the_database_takes_every_word_of_the_rules(database, make_workflow):
    workflow = await make_workflow()
    for reason in WaitReason:
        await put(database, workflow.adw_id, status="waiting", wait_reason=reason.value)
    for failure_class in FailureClass:
        failure = failure_to(Failure(failure_class=failure_class, message="m", phase="plan"))
        await put(database, workflow.adw_id, failure_class=failure_class.value, failure=failure)
        async with database.read() as connection:
            read = (await require_workflow(connection, workflow.adw_id)).failure
        assert read == Failure(failure_class=failure_class, message="m", phase="plan")
    for model_set in ModelSet:
        await put(database, workflow.adw_id, model_set=model_set.value)


async def test_ids_may_be_shortened_to_a_unique_beginning(database, make_workflow):
    for number, adw_id in enumerate(("aa000001", "aa000002", "bb000001")):
        await make_workflow(adw_id=adw_id, issue_number=number)
    async with database.read() as connection:
        assert await resolve_prefix(connection, "b") == "bb000001"
        assert await resolve_prefix(connection, "aa000002") == "aa000002"
        with pytest.raises(UsageError) as ambiguous:
            await resolve_prefix(connection, "aa")
        assert "aa000001" in (ambiguous.value.hint or "")
        for unknown in ("cc", "%", "_a", "a\0"):
            with pytest.raises(NotFoundError):
                await resolve_prefix(connection, unknown)
        for empty in ("", "  "):
            with pytest.raises(UsageError, match="no workflow is named"):
                await resolve_prefix(connection, empty)


async def test_a_list_is_filtered_by_status_project_kind_and_words(database, make_workflow):
    one = await make_workflow(issue_title="100% of Totals", issue_number=1)
    two = await make_workflow(issue_title="Dates", issue_number=2, workflow_type="plan")
    await put(database, two.adw_id, status="active", branch_name="bug-issue-2-snow_flake")
    async with database.read() as connection:

        async def found(**filters):
            return {each.adw_id for each in await list_workflows(connection, **filters)}

        assert await found() == {one.adw_id, two.adw_id}
        assert await found(statuses=[Status.ACTIVE, Status.FAILED]) == {two.adw_id}
        assert await found(kind="plan-build-test") == {one.adw_id}
        assert await found(project_id="elsewhere") == set()
        assert await found(words="total") == {one.adw_id}
        assert await found(words="100%") == {one.adw_id}
        assert await found(words="w_f") == {two.adw_id}
        assert await found(words="%") == {one.adw_id}
        assert await found(words="\0") == set()
        assert [each.adw_id for each in await list_active_workflows(connection)] == [two.adw_id]
        assert await count_active(connection) == 1


async def test_pages_follow_each_other_without_gap_or_repetition(database, make_workflow):
    made = [(await make_workflow(issue_number=n)).adw_id for n in range(7)]
    same = (await make_workflow(issue_number=8)).created_at
    async with database.begin() as connection:  # a tie in time is broken by the id
        await connection.execute(update(workflows).values(created_at=same).where(workflows.c.issue_number < 4))
    seen, before = [], None
    async with database.read() as connection:
        while page := await list_workflows(connection, limit=3, before=before):
            seen += [each.adw_id for each in page]
            before = (page[-1].created_at, page[-1].adw_id)
        assert seen == [each.adw_id for each in await list_workflows(connection)]
    assert len(seen) == len(set(seen)) == 8
    assert set(made) < set(seen)


async def test_a_locked_row_waits_for_its_holder(database, make_workflow):
    workflow = await make_workflow()
    with pytest.raises(NotFoundError):
        async with database.begin() as connection:
            await lock_workflow(connection, "0badbeef")
    async with database.begin() as connection:
        await lock_workflow(connection, workflow.adw_id)
        async with database.read() as other:
            await other.execute(text("SET lock_timeout = '50ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                await lock_workflow(other, workflow.adw_id)


async def test_times_are_the_databases_own(database, make_workflow):
    workflow = await make_workflow()
    async with database.read() as connection:
        now = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    assert timedelta(0) < now - workflow.created_at < timedelta(seconds=30)
