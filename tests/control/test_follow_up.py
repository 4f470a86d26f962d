"""A single phase on earlier work: when it is allowed, what it changes, what it leaves alone."""

from __future__ import annotations

import asyncio

import pytest

from adw.control.follow_up import FollowUp, follow_up
from adw.domain.agent import ModelSet
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import KINDS, ON_EARLIER_WORK, with_phase
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.status import PrState, Status
from adw.domain.workflow import WorkflowOptions
from adw.kit.errors import DuplicateRunError, UsageError, WrongStateError
from adw.store import phases
from adw.store.events import get_workflow_events
from adw.store.workflows import require_workflow, transition, update_workflow

PATHS = {
    Status.QUEUED: (),
    Status.ACTIVE: (Status.ACTIVE,),
    Status.WAITING: (Status.ACTIVE, Status.WAITING),
    Status.PAUSED: (Status.PAUSED,),
    Status.COMPLETED: (Status.ACTIVE, Status.COMPLETED),
    Status.FAILED: (Status.ACTIVE, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}
NEEDS = {Status.WAITING: {"wait_reason": "approval"}, Status.PAUSED: {"paused_from": "queued"}}
ALLOWED = {Status.COMPLETED, Status.FAILED}


async def reach(database, workflow, status, **changes):
    async with database.begin() as connection:
        for each in PATHS[status]:
            event = NewEvent(type=EventType.WORKFLOW_UPDATED)
            await transition(connection, workflow.adw_id, to=each, event=event, changes=NEEDS.get(each))
        if changes:
            await update_workflow(connection, workflow.adw_id, changes=changes)


async def finished(database, workflow, *names):
    """These phases are done, each with evidence."""
    async with database.begin() as connection:
        for name in names:
            await phases.start_phase(connection, adw_id=workflow.adw_id, phase=name, attempt=1, commit_before=None)
            await phases.end_phase(
                connection, adw_id=workflow.adw_id, phase=name, attempt=1, status=PhaseStatus.COMPLETED
            )
            found = Evidence(gate=name, outcome=GateOutcome.PASSED, commit="c1", summary="fine")
            await phases.record_evidence(connection, adw_id=workflow.adw_id, phase=name, attempt=1, found=found)


def order(phase="test", **more):
    return FollowUp(phase=phase, actor="ann", **more)


@pytest.mark.parametrize("status", Status)
async def test_it_is_allowed_once_a_workflow_has_completed_or_failed(database, make_workflow, status):
    workflow = await make_workflow()
    await reach(database, workflow, status)
    if status in ALLOWED:
        queued = await follow_up(database, workflow.adw_id, order())
        assert (queued.adw_id, queued.status, queued.failure) == (workflow.adw_id, Status.QUEUED, None)
        return
    with pytest.raises(WrongStateError, match=str(status)) as refused:
        await follow_up(database, workflow.adw_id, order())
    assert refused.value.hint


@pytest.mark.parametrize("state", PrState)
async def test_it_is_refused_once_the_pull_request_is_merged_or_closed(database, make_workflow, state):
    workflow = await make_workflow()
    await reach(database, workflow, Status.COMPLETED, pr_state=state.value)
    if state not in {PrState.MERGED, PrState.CLOSED}:
        assert (await follow_up(database, workflow.adw_id, order())).pr_state is state
        return
    with pytest.raises(WrongStateError, match=str(state)):
        await follow_up(database, workflow.adw_id, order())


@pytest.mark.parametrize("phase", ["plan", "sdlc", "finish", "tidy", ""])
async def test_only_phases_that_go_on_with_work_can_be_asked_for(database, make_workflow, phase):
    workflow = await make_workflow()
    await reach(database, workflow, Status.COMPLETED)
    with pytest.raises(UsageError):
        await follow_up(database, workflow.adw_id, order(phase))


async def test_the_phase_and_the_end_run_again_and_the_rest_stays_done(database, make_workflow):
    workflow = await make_workflow(workflow_type="plan-build-test", phases=KINDS["plan-build-test"])
    await finished(database, workflow, "plan", "build", "test", "finish")
    await reach(database, workflow, Status.COMPLETED)
    queued = await follow_up(database, workflow.adw_id, order())
    assert queued.phases == KINDS["plan-build-test"]
    async with database.read() as connection:
        status = {row.phase: row.status for row in await phases.list_phases(connection, workflow.adw_id)}
        evidence = {row.phase: row.superseded for row in await phases.list_evidence(connection, workflow.adw_id)}
        (event,) = await get_workflow_events(connection, workflow.adw_id, types=[EventType.WORKFLOW_QUEUED])
    done, over = PhaseStatus.COMPLETED, PhaseStatus.SUPERSEDED
    assert status == {"plan": done, "build": done, "test": over, "finish": over}
    assert evidence == {"plan": False, "build": False, "test": True, "finish": True}
    assert (event.data["by"], event.data["followUp"]) == ("ann", "test")


async def test_choices_hold_from_now_on_and_approval_of_the_plan_stays(database, make_workflow):
    workflow = await make_workflow(options=WorkflowOptions(plan_approval=True))
    await reach(database, workflow, Status.COMPLETED)
    wanted = order(model_set=ModelSet.HEAVY, options=WorkflowOptions(skip_e2e=True, auto_resolve=False))
    await follow_up(database, workflow.adw_id, wanted)
    async with database.read() as connection:
        now = await require_workflow(connection, workflow.adw_id)
    assert now.options == WorkflowOptions(skip_e2e=True, auto_resolve=False, plan_approval=True)
    assert now.model_set is ModelSet.HEAVY


async def test_the_same_order_twice_even_at_once_is_one(database, make_workflow):
    workflow = await make_workflow()
    await reach(database, workflow, Status.COMPLETED)
    answers = await asyncio.gather(*(follow_up(database, workflow.adw_id, order(key="k")) for _ in range(3)))
    assert {each.status for each in answers} == {Status.QUEUED}
    async with database.read() as connection:
        events = await get_workflow_events(connection, workflow.adw_id, types=[EventType.WORKFLOW_QUEUED])
    assert len(events) == 1
    with pytest.raises(WrongStateError):
        await follow_up(database, workflow.adw_id, order(key="another"))


async def test_an_issue_taken_by_another_workflow_meanwhile_is_refused(database, make_workflow):
    workflow = await make_workflow(issue_number=4)
    await reach(database, workflow, Status.FAILED)
    other = await make_workflow(issue_number=4)
    with pytest.raises(DuplicateRunError):
        await follow_up(database, workflow.adw_id, order())
    async with database.read() as connection:
        assert (await require_workflow(connection, workflow.adw_id)).status is Status.FAILED
        assert (await require_workflow(connection, other.adw_id)).status is Status.QUEUED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", sorted(ON_EARLIER_WORK))
def test_an_added_phase_stands_where_it_belongs_and_the_end_stays_last(kind, phase):
    made = with_phase(KINDS[kind], phase)
    assert made.count(phase) == 1
    assert made[-1] in {"finish", "ship"}
    assert sum(made.count(end) for end in ("finish", "ship")) == 1
    order = [str(each) for each in ("plan", "build", "test", "review", "document", "ship", "finish")]
    assert sorted(made, key=order.index) == list(made)


def test_a_projects_own_phases_keep_their_place():
    assert with_phase(("plan", "tidy", "finish"), "test") == ("plan", "tidy", "test", "finish")
    assert with_phase(("plan", "build", "tidy", "finish"), "ship") == ("plan", "build", "tidy", "ship")
