from __future__ import annotations

import pytest

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.store.events import FencedError, append_event, get_workflow_events
from adw.store.phases import list_phases, start_phase
from adw.store.workflows import claim_ownership, require_workflow, transition
from adw.worker.observer import WorkflowObserver


@pytest.fixture
def ended():
    return []


@pytest.fixture
def observer(ended):
    async def end_agents():
        ended.append(1)

    return WorkflowObserver(end_agents=end_agents)


@pytest.fixture
async def workflow(database, make_workflow):
    """Active, with a phase that runs; owned by a worker."""
    made = await make_workflow()
    async with database.begin() as connection:
        started = NewEvent(type=EventType.WORKFLOW_STARTED)
        await transition(connection, made.adw_id, to=Status.ACTIVE, event=started)
        await start_phase(connection, adw_id=made.adw_id, phase="plan", attempt=1, commit_before=None)
        await claim_ownership(connection, made.adw_id, owner_id="dead")
        return await require_workflow(connection, made.adw_id)


async def test_a_recovery_is_told_and_fences_off_the_lost_worker(database, observer, workflow):
    async with database.begin() as connection:
        await observer.recovered(connection, run_id=f"{workflow.adw_id}.1", previous_executor="dead")
        events = await get_workflow_events(connection, workflow.adw_id)
    assert [event.type for event in events[-2:]] == [EventType.WORKER_LOST, EventType.WORKFLOW_RECOVERED]
    assert events[-2].data == {"executor": "dead"}
    late = NewEvent(type=EventType.AGENT_TEXT, message="late")
    with pytest.raises(FencedError):
        async with database.begin() as connection:
            await append_event(connection, workflow.adw_id, late, owner_epoch=workflow.owner_epoch)


async def test_a_run_that_keeps_killing_its_workers_fails_the_workflow(database, observer, workflow):
    async with database.begin() as connection:
        await observer.exhausted(connection, run_id=f"{workflow.adw_id}.1")
        now = await require_workflow(connection, workflow.adw_id)
        (phase,) = await list_phases(connection, workflow.adw_id)
        events = await get_workflow_events(connection, workflow.adw_id)
    assert now.status is Status.FAILED
    assert now.failure is not None
    assert now.failure.failure_class is FailureClass.INFRASTRUCTURE
    assert now.owner_epoch > workflow.owner_epoch
    assert phase.status is PhaseStatus.FAILED
    assert events[-1].type is EventType.WORKFLOW_FAILED


async def test_what_is_no_longer_active_stays_as_it_is(database, observer, workflow):
    async with database.begin() as connection:
        cancelled = NewEvent(type=EventType.WORKFLOW_CANCELLED)
        await transition(connection, workflow.adw_id, to=Status.CANCELLED, event=cancelled)
        before = await require_workflow(connection, workflow.adw_id)
        await observer.exhausted(connection, run_id=f"{workflow.adw_id}.1")
        assert await require_workflow(connection, workflow.adw_id) == before


async def test_runs_of_no_known_workflow_are_none_of_its_business(database, observer):
    async with database.begin() as connection:
        await observer.recovered(connection, run_id="0badbeef.1", previous_executor="dead")
        await observer.exhausted(connection, run_id="0badbeef.1")
        assert await observer.progress(connection, run_id="0badbeef.1") == "0"


async def test_progress_is_the_number_of_the_last_thing_an_agent_did(database, observer, workflow):
    async with database.begin() as connection:
        said = NewEvent(type=EventType.AGENT_TOOL_USE, message="Read a.py")
        seq = await append_event(connection, workflow.adw_id, said)
        assert await observer.progress(connection, run_id=f"{workflow.adw_id}.1") == str(seq)
        await observer.recovered(connection, run_id=f"{workflow.adw_id}.1", previous_executor="dead")
        assert await observer.progress(connection, run_id=f"{workflow.adw_id}.1") == str(seq)


async def test_a_lost_lease_ends_the_agents(observer, ended):
    await observer.lease_lost()
    assert ended == [1]
