from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.usage import Usage
from adw.store import phases
from adw.store.phases import list_evidence, list_phases, record_evidence


@pytest.fixture
async def adw_id(make_workflow):
    return (await make_workflow()).adw_id


def found(gate="tests", outcome=GateOutcome.PASSED, commit="c1", **fields):
    return Evidence(gate=gate, outcome=outcome, commit=commit, summary="seen\0", **fields)


async def test_an_attempt_runs_ends_and_is_found_as_the_latest(database, adw_id):
    failure = Failure(failure_class=FailureClass.GATE_FAILED, message="2 tests fail", phase="test")
    async with database.begin() as connection:
        assert await phases.latest_attempt(connection, adw_id=adw_id, phase="test") is None
        for attempt in (1, 2):
            await phases.start_phase(connection, adw_id=adw_id, phase="test", attempt=attempt, commit_before="c0")
        await phases.start_phase(connection, adw_id=adw_id, phase="test", attempt=1, commit_before="other")
        await phases.end_phase(
            connection, adw_id=adw_id, phase="test", attempt=1, status=PhaseStatus.FAILED, failure=failure
        )
        await phases.end_phase(
            connection,
            adw_id=adw_id,
            phase="test",
            attempt=2,
            status=PhaseStatus.COMPLETED,
            commit_after="c2",
            data={"rounds": 1},
        )
        latest = await phases.latest_attempt(connection, adw_id=adw_id, phase="test")
        first, second = await list_phases(connection, adw_id, usage={("test", 2): Usage(requests=4)})
    assert (first.attempt, first.status, first.failure, first.commit_before) == (1, PhaseStatus.FAILED, failure, "c0")
    assert (second.status, second.commit_after, second.data) == (PhaseStatus.COMPLETED, "c2", {"rounds": 1})
    assert (first.usage.requests, second.usage.requests) == (0, 4)
    assert latest is not None
    assert latest.attempt == 2
    assert first.duration_ms is not None
    assert first.duration_ms >= 0


async def test_what_nobody_will_end_any_more_is_closed_and_the_rest_stays(database, adw_id):
    async with database.begin() as connection:
        for phase in ("plan", "build"):
            await phases.start_phase(connection, adw_id=adw_id, phase=phase, attempt=1, commit_before=None)
        await phases.end_phase(connection, adw_id=adw_id, phase="plan", attempt=1, status=PhaseStatus.COMPLETED)
        await phases.end_running_phases(connection, adw_id=adw_id, status=PhaseStatus.CANCELLED)
        rows = await list_phases(connection, adw_id)
    assert [(row.phase, row.status) for row in rows] == [
        ("plan", PhaseStatus.COMPLETED),
        ("build", PhaseStatus.CANCELLED),
    ]


async def test_a_running_attempt_has_no_duration(database, adw_id):
    async with database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
        (row,) = await list_phases(connection, adw_id)
    assert (row.status, row.duration_ms, row.ended_at) == (PhaseStatus.RUNNING, None, None)


async def test_evidence_is_recorded_once_for_a_commit_and_never_edited(database, adw_id):
    async with database.begin() as connection:

        async def record(**changes):
            values = {"adw_id": adw_id, "phase": "test", "attempt": 1, "found": found()}
            return await record_evidence(connection, **(values | changes))

        assert await record()
        assert not await record(found=found(outcome=GateOutcome.FAILED))
        assert await record(found=found(commit="c2", outcome=GateOutcome.FAILED))
        assert await record(found=found(config_hash="other"))
        assert await record(attempt=2)
        rows = await list_evidence(connection, adw_id)
    assert [row.evidence.outcome for row in rows] == ["passed", "failed", "passed", "passed"]
    assert rows[0].evidence.summary == "seen\N{REPLACEMENT CHARACTER}"


async def test_superseded_work_stays_visible_and_marked(database, adw_id):
    async with database.begin() as connection:
        for phase in ("plan", "build", "test"):
            await phases.start_phase(connection, adw_id=adw_id, phase=phase, attempt=1, commit_before=None)
            await record_evidence(connection, adw_id=adw_id, phase=phase, attempt=1, found=found())
        for phase in ("plan", "build"):
            await phases.end_phase(connection, adw_id=adw_id, phase=phase, attempt=1, status=PhaseStatus.COMPLETED)
        await phases.supersede_phases(connection, adw_id=adw_id, names=["build", "test"])
        rows = await list_phases(connection, adw_id)
        evidence = await list_evidence(connection, adw_id)
    assert [row.status for row in rows] == [PhaseStatus.COMPLETED, PhaseStatus.SUPERSEDED, PhaseStatus.RUNNING]
    assert [row.superseded for row in evidence] == [False, True, True]


@pytest.mark.parametrize("status", list(PhaseStatus))
async def test_the_database_takes_every_phase_status(database, adw_id, status):
    async with database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
        await phases.end_phase(connection, adw_id=adw_id, phase="plan", attempt=1, status=status)
        (row,) = await list_phases(connection, adw_id)
    assert row.status is status


@pytest.mark.parametrize("outcome", list(GateOutcome))
async def test_the_database_takes_every_outcome_of_a_gate(database, adw_id, outcome):
    async with database.begin() as connection:
        assert await record_evidence(connection, adw_id=adw_id, phase="p", attempt=1, found=found(outcome=outcome))


async def test_phases_belong_to_a_workflow(database):
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id="0badbeef", phase="plan", attempt=1, commit_before=None)
