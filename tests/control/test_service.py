from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from adw.control.service import Control
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import PhaseStatus
from adw.domain.status import PrState, Status, WaitReason
from adw.kit.errors import ConflictError, DuplicateRunError, NotFoundError, UsageError, WrongStateError
from adw.store import accounts, approvals, phases, usage
from adw.store.events import get_workflow_events
from adw.store.workflows import begin_leg, require_workflow, transition, update_workflow

NO = WrongStateError
SAME = "same"

# What each action makes of a workflow in each status.
OUTCOMES = {
    "pause": {
        Status.QUEUED: Status.PAUSED,
        Status.ACTIVE: Status.PAUSED,
        Status.WAITING: Status.PAUSED,
        Status.PAUSED: SAME,
        Status.COMPLETED: NO,
        Status.FAILED: NO,
        Status.CANCELLED: NO,
    },
    "resume": {
        Status.QUEUED: NO,
        Status.ACTIVE: NO,
        Status.WAITING: NO,
        Status.PAUSED: Status.ACTIVE,
        Status.COMPLETED: NO,
        Status.FAILED: NO,
        Status.CANCELLED: NO,
    },
    "cancel": {
        Status.QUEUED: Status.CANCELLED,
        Status.ACTIVE: Status.CANCELLED,
        Status.WAITING: Status.CANCELLED,
        Status.PAUSED: Status.CANCELLED,
        Status.COMPLETED: NO,
        Status.FAILED: NO,
        Status.CANCELLED: SAME,
    },
    "retry": {
        Status.QUEUED: NO,
        Status.ACTIVE: NO,
        Status.WAITING: NO,
        Status.PAUSED: NO,
        Status.COMPLETED: NO,
        Status.FAILED: Status.QUEUED,
        Status.CANCELLED: NO,
    },
}
WAYS = {
    Status.QUEUED: (),
    Status.ACTIVE: (Status.ACTIVE,),
    Status.WAITING: (Status.ACTIVE, Status.WAITING),
    Status.PAUSED: (Status.ACTIVE, Status.PAUSED),
    Status.COMPLETED: (Status.ACTIVE, Status.COMPLETED),
    Status.FAILED: (Status.ACTIVE, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}


@pytest.fixture
def at(database, make_workflow):
    """Makes a workflow and takes it to a status as the system would."""

    async def go(status: Status, *, reason=WaitReason.APPROVAL, **changes):
        workflow = await make_workflow(**changes)
        async with database.begin() as connection:
            for step in WAYS[status]:
                values = {}
                if step is Status.ACTIVE:
                    await begin_leg(connection, workflow.adw_id)
                if step is Status.WAITING:
                    values = {"wait_reason": reason.value}
                if step is Status.PAUSED:
                    values = {"paused_from": Status.ACTIVE.value}
                event = NewEvent(type=EventType.WORKFLOW_UPDATED, message=step)
                workflow = await transition(connection, workflow.adw_id, to=step, event=event, changes=values)
        return workflow

    return go


@pytest.fixture
def asking(database, at):
    """A workflow that waits for an answer, and the approval it waits for."""

    async def ask(kind=ApprovalKind.PLAN, *, budget=None, **changes):
        reason = WaitReason.BUDGET if kind is ApprovalKind.BUDGET else WaitReason.APPROVAL
        workflow = await at(Status.WAITING, reason=reason, **changes)
        async with database.begin() as connection:
            await usage.set_budget(connection, workflow.adw_id, budget_usd=budget)
            await phases.start_phase(connection, adw_id=workflow.adw_id, phase="plan", attempt=1, commit_before=None)
            approval, _ = await approvals.ask(
                connection, adw_id=workflow.adw_id, kind=kind, key="plan.1.k", question="right?", data={}
            )
        return workflow, approval

    return ask


async def types_of(database, adw_id):
    async with database.read() as connection:
        return [event.type for event in await get_workflow_events(connection, adw_id)]


async def now(database, adw_id):
    async with database.read() as connection:
        return await require_workflow(connection, adw_id)


@pytest.mark.parametrize("verb", OUTCOMES)
@pytest.mark.parametrize("status", list(Status))
async def test_each_action_in_each_status_has_its_outcome(control, database, enqueuer, at, verb, status):
    workflow = await at(status)
    outcome = OUTCOMES[verb][status]
    before = await types_of(database, workflow.adw_id)
    action = getattr(control, verb)(workflow.adw_id, actor="ann")
    if outcome is NO:
        with pytest.raises(WrongStateError) as refused:
            await action
        assert refused.value.status == 409
        assert await now(database, workflow.adw_id) == workflow
        assert await types_of(database, workflow.adw_id) == before
        assert await enqueuer.orders(database) == []
    elif outcome == SAME:
        assert await action == workflow
        assert await types_of(database, workflow.adw_id) == before
    else:
        changed = await action
        assert changed.status is outcome
        assert len(await types_of(database, workflow.adw_id)) == len(before) + 1


@pytest.mark.parametrize("verb", OUTCOMES)
async def test_an_unknown_workflow_is_not_found(control, verb):
    with pytest.raises(NotFoundError):
        await getattr(control, verb)("0badbeef", actor="ann")


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.QUEUED])
@pytest.mark.parametrize("verb", ["pause", "cancel"])
async def test_stopping_revokes_the_leg_under_way_and_fences_it_off(control, database, enqueuer, at, verb, status):
    workflow = await at(status)
    stopped = await getattr(control, verb)(workflow.adw_id, actor="ann")
    under_way = status is Status.ACTIVE
    assert await enqueuer.orders(database) == ([("revoke", f"{workflow.adw_id}.1")] if under_way else [])
    if under_way:
        assert stopped.owner_epoch < (await now(database, workflow.adw_id)).owner_epoch
    else:
        assert stopped.paused_from in {Status.QUEUED, None}


async def test_pause_and_resume_start_the_next_leg_with_the_phases_of_intake(control, database, enqueuer, at):
    workflow = await at(Status.ACTIVE)
    await control.pause(workflow.adw_id, actor="ann")
    resumed = await control.resume(workflow.adw_id, actor="ann")
    assert (resumed.status, resumed.paused_from) == (Status.ACTIVE, None)
    assert await enqueuer.orders(database) == [("revoke", f"{workflow.adw_id}.1"), ("enqueue", f"{workflow.adw_id}.2")]
    assert await enqueuer.payloads(database) == [
        {"adw_id": workflow.adw_id, "leg": 2, "phases": ["plan", "build", "test", "finish"]}
    ]


async def test_a_paused_queued_workflow_goes_back_into_the_queue(control, database, enqueuer, at):
    workflow = await at(Status.QUEUED)
    await control.pause(workflow.adw_id, actor="ann")
    assert (await control.resume(workflow.adw_id, actor="ann")).status is Status.QUEUED
    assert await enqueuer.orders(database) == []


async def test_a_pause_over_waiting_keeps_the_reason_and_goes_back_to_it(control, database, asking, enqueuer):
    workflow, _ = await asking(ApprovalKind.BUDGET, budget=Decimal(1))
    async with database.begin() as connection:  # what an agent was told no to is not what the workflow waits for
        call, _ = await approvals.ask(
            connection, adw_id=workflow.adw_id, kind=ApprovalKind.TOOL, key="t", question="?", data={}
        )
    await control.decide(str(call.id), allow=False, actor="ann")
    paused = await control.pause(workflow.adw_id, actor="ann")
    assert (paused.status, paused.wait_reason, paused.paused_from) == (
        Status.PAUSED,
        WaitReason.BUDGET,
        Status.WAITING,
    )
    resumed = await control.resume(workflow.adw_id, actor="ann")
    assert (resumed.status, resumed.wait_reason) == (Status.WAITING, WaitReason.BUDGET)
    assert await enqueuer.orders(database) == []


async def test_an_answer_given_while_paused_is_recorded_and_counts_on_resume(control, database, asking, enqueuer):
    workflow, approval = await asking(ApprovalKind.BUDGET, budget=Decimal(1))
    await control.pause(workflow.adw_id, actor="ann")
    decided, still = await control.decide(str(approval.id), allow=True, actor="bob", budget_usd=Decimal(3))
    assert (decided.decision, still.status) == (Decision.ALLOWED, Status.PAUSED)
    assert await enqueuer.orders(database) == []
    resumed = await control.resume(workflow.adw_id, actor="ann")
    assert (resumed.status, resumed.wait_reason, resumed.budget_usd) == (Status.ACTIVE, None, Decimal(3))
    assert await enqueuer.orders(database) == [("enqueue", f"{workflow.adw_id}.2")]


async def test_a_denial_given_while_paused_fails_the_workflow_on_resume(control, database, asking, enqueuer):
    workflow, approval = await asking()
    await control.pause(workflow.adw_id, actor="ann")
    _, still = await control.decide(str(approval.id), allow=False, actor="bob", reason="no")
    assert still.status is Status.PAUSED
    failed = await control.resume(workflow.adw_id, actor="ann")
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert "denied by bob: no" in failed.failure.message
    assert await enqueuer.orders(database) == []


async def test_cancel_expires_open_questions_and_closes_running_phases(control, database, asking):
    workflow, approval = await asking()
    await control.cancel(workflow.adw_id, actor="ann")
    async with database.read() as connection:
        assert (await approvals.get_approval(connection, approval.id)).decision is Decision.EXPIRED
        rows = await phases.list_phases(connection, workflow.adw_id)
    assert [row.status for row in rows] == [PhaseStatus.CANCELLED]
    with pytest.raises(ConflictError, match="already expired by the system"):
        await control.decide(str(approval.id), allow=True, actor="bob")


async def test_allowing_starts_the_next_leg(control, database, asking, enqueuer):
    workflow, approval = await asking()
    decided, resumed = await control.decide(str(approval.id)[:8], allow=True, actor="bob", reason="fine")
    assert (decided.decision, decided.decided_by, decided.reason) == (Decision.ALLOWED, "bob", "fine")
    assert decided.decided_at is not None
    assert (resumed.status, resumed.wait_reason) == (Status.ACTIVE, None)
    assert await enqueuer.orders(database) == [("enqueue", f"{workflow.adw_id}.2")]
    assert (await types_of(database, workflow.adw_id))[-1] is EventType.APPROVAL_DECIDED


@pytest.mark.parametrize(
    ("kind", "failure_class"),
    [
        (ApprovalKind.PLAN, FailureClass.CANCELLED),
        (ApprovalKind.BUDGET, FailureClass.BUDGET_EXCEEDED),
        (ApprovalKind.SHIP, FailureClass.CANCELLED),
        (ApprovalKind.CONFLICT, FailureClass.CONFLICT),
    ],
)
async def test_denying_fails_the_workflow_and_the_attempt_that_asked(
    control, database, asking, enqueuer, kind, failure_class
):
    workflow, _approval = await asking(kind)
    _, failed = await control.decide(workflow.adw_id, allow=False, actor="bob")
    assert failed.status is Status.FAILED
    assert failed.failure is not None
    assert failed.failure.failure_class is failure_class
    async with database.read() as connection:
        rows = await phases.list_phases(connection, workflow.adw_id)
    assert [row.status for row in rows] == [PhaseStatus.FAILED]
    assert (await types_of(database, workflow.adw_id))[-2:] == [EventType.APPROVAL_DECIDED, EventType.WORKFLOW_FAILED]
    assert await enqueuer.orders(database) == []
    assert (await control.retry(workflow.adw_id, actor="bob")).status is Status.QUEUED


async def test_deciding_twice_alike_is_harmless_and_otherwise_a_conflict(control, database, asking, enqueuer):
    _, approval = await asking()
    first, _ = await control.decide(str(approval.id), allow=True, actor="bob")
    again, workflow = await control.decide(str(approval.id), allow=True, actor="eve")
    assert again == first
    assert workflow.status is Status.ACTIVE
    assert len(await enqueuer.orders(database)) == 1
    with pytest.raises(ConflictError, match="already allowed by bob"):
        await control.decide(str(approval.id), allow=False, actor="eve")


async def test_of_many_deciders_at_once_exactly_one_counts(control, database, asking, enqueuer):
    workflow, approval = await asking()
    answers = await asyncio.gather(
        *(control.decide(str(approval.id), allow=n % 2 == 0, actor=f"p{n}") for n in range(8)), return_exceptions=True
    )
    assert all(isinstance(each, tuple | ConflictError) for each in answers)
    told = await types_of(database, workflow.adw_id)
    assert told.count(EventType.APPROVAL_DECIDED) == 1
    assert len(await enqueuer.orders(database)) <= 1


@pytest.mark.parametrize(
    ("kind", "allow", "amount"),
    [
        (ApprovalKind.BUDGET, True, None),
        (ApprovalKind.BUDGET, True, "1"),
        (ApprovalKind.BUDGET, True, "0.5"),
        (ApprovalKind.BUDGET, True, "-3"),
        (ApprovalKind.BUDGET, True, "NaN"),
        (ApprovalKind.BUDGET, True, "Infinity"),
        (ApprovalKind.BUDGET, False, "5"),
        (ApprovalKind.PLAN, True, "5"),
    ],
)
async def test_a_raise_that_is_none_is_refused_and_decides_nothing(
    control, database, asking, enqueuer, kind, allow, amount
):
    workflow, approval = await asking(kind, budget=Decimal(1))
    budget = None if amount is None else Decimal(amount)
    with pytest.raises(UsageError):
        await control.decide(str(approval.id), allow=allow, actor="bob", budget_usd=budget)
    async with database.read() as connection:
        assert (await approvals.get_approval(connection, approval.id)).decision is Decision.PENDING
        assert (await accounts.account_of(connection, workflow.adw_id)).budget_usd == Decimal(1)
    assert await now(database, workflow.adw_id) == workflow


async def test_a_raise_is_booked_shown_and_told(control, database, asking):
    workflow, approval = await asking(ApprovalKind.BUDGET, budget=Decimal(1))
    _, resumed = await control.decide(str(approval.id), allow=True, actor="bob", budget_usd=Decimal("2.50"))
    assert resumed.budget_usd == Decimal("2.5")
    async with database.read() as connection:
        assert (await accounts.account_of(connection, workflow.adw_id)).budget_usd == Decimal("2.5")
        events = await get_workflow_events(connection, workflow.adw_id)
    assert {"budgetUsd": "2.50", "by": "bob"} in [event.data for event in events]


async def test_an_order_the_engine_refuses_leaves_the_workflow_untouched(control, database, at, enqueuer):
    workflow = await at(Status.ACTIVE)
    before = await types_of(database, workflow.adw_id)
    enqueuer.refuses = RuntimeError("no")
    for verb in ("pause", "cancel"):
        with pytest.raises(RuntimeError):
            await getattr(control, verb)(workflow.adw_id, actor="ann")
    assert await now(database, workflow.adw_id) == workflow
    assert await types_of(database, workflow.adw_id) == before
    assert await enqueuer.orders(database) == []


async def test_a_refused_start_undoes_the_decision_that_caused_it(control, database, asking, enqueuer):
    workflow, approval = await asking()
    enqueuer.refuses = RuntimeError("no")
    with pytest.raises(RuntimeError):
        await control.decide(str(approval.id), allow=True, actor="bob")
    async with database.read() as connection:
        assert (await approvals.get_approval(connection, approval.id)).decision is Decision.PENDING
    assert await now(database, workflow.adw_id) == workflow
    assert await enqueuer.orders(database) == []


async def test_a_retry_clears_the_failure_and_queues(control, database, at):
    workflow = await at(Status.FAILED)
    async with database.begin() as connection:
        failure = {"class": "forge", "message": "gone", "phase": None}
        await update_workflow(connection, workflow.adw_id, changes={"failure": failure, "failure_class": "forge"})
    retried = await control.retry(workflow.adw_id, actor="ann")
    assert (retried.status, retried.failure, retried.completed_at) == (Status.QUEUED, None, None)
    assert (await types_of(database, workflow.adw_id))[-1] is EventType.WORKFLOW_QUEUED


async def test_a_retry_is_refused_while_another_workflow_has_the_issue(control, at, make_workflow):
    workflow = await at(Status.FAILED)
    await make_workflow()
    with pytest.raises(DuplicateRunError):
        await control.retry(workflow.adw_id, actor="ann")


@pytest.mark.parametrize("pr_state", [PrState.MERGED, PrState.CLOSED])
async def test_a_retry_is_refused_once_the_pull_request_has_ended(control, database, at, pr_state):
    workflow = await at(Status.FAILED)
    async with database.begin() as connection:
        await update_workflow(connection, workflow.adw_id, changes={"pr_state": pr_state.value})
    with pytest.raises(WrongStateError, match=pr_state):
        await control.retry(workflow.adw_id, actor="ann")


async def test_cancelling_and_pausing_at_once_ends_cancelled(control: Control, database, at):
    workflow = await at(Status.ACTIVE)
    actions = [control.cancel(workflow.adw_id, actor="a"), control.pause(workflow.adw_id, actor="b")] * 1
    await asyncio.gather(*actions, control.cancel(workflow.adw_id, actor="c"), return_exceptions=True)
    assert (await now(database, workflow.adw_id)).status is Status.CANCELLED
