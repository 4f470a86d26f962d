from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from adw.domain.events import EventType
from adw.domain.failure import FailureClass
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.kit.errors import GitError
from adw.store.phases import list_phases
from adw.store.workflows import begin_leg, fence_off
from adw.workflows import interpreter as interpreting
from adw.workflows.endings import PhaseFailed
from adw.workflows.interpreter import interpreter


class Access:
    """The part of `adw.ports.projects.ProjectAccess` that a leg without phases uses."""

    def __init__(self, content: bytes | Exception = b"") -> None:
        self.content = content

    async def read_committed(self, _project: Any, **_: Any) -> bytes:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    async def list_committed(self, _project: Any, **_: Any) -> list[Any]:
        return []

    def forge(self, _project: Any) -> Any:
        return Silent()


class Silent:
    """A forge that refuses every word."""

    async def upsert_comment(self, *_: Any, **__: Any) -> Any:
        raise GitError("the forge is away")


@pytest.fixture
def interpret(play, monkeypatch):
    """Runs the workflow's leg with phases that do what the test says."""

    async def alive(*_, **__):
        return True

    monkeypatch.setattr("adw.workflows.context.holds_lease", alive)

    async def go(phases=None, *, number=1, access=None):
        for name, work in (phases or {}).items():
            monkeypatch.setitem(cast("dict[Any, Any]", interpreting.PHASES), name, work)
        services = replace(play.run.services, access=cast("Any", access or Access()))
        payload = {"adw_id": play.workflow.adw_id, "leg": number, "phases": list(phases or {})}
        return await interpreter(services)(play.leg, payload)

    return go


async def done(_ctx):
    return {"head": "c1"}


def fails_with(*errors):
    left = list(errors)

    async def work(_ctx):
        if left:
            raise left.pop(0)
        return {}

    return work


async def attempts(play):
    async with play.database.read() as connection:
        return [(row.phase, row.attempt, row.status) for row in await list_phases(connection, play.workflow.adw_id)]


async def test_phases_run_in_order_and_the_workflow_completes(play, interpret):
    assert await interpret({"plan": done, "build": done}) == "completed"
    now = await play.now()
    assert (now.status, now.phase) == (Status.COMPLETED, "built")
    told = await play.events(EventType.PHASE_STARTED, EventType.PHASE_COMPLETED, EventType.WORKFLOW_COMPLETED)
    assert [(event.type, event.phase) for event in told] == [
        (EventType.PHASE_STARTED, "plan"),
        (EventType.PHASE_COMPLETED, "plan"),
        (EventType.PHASE_STARTED, "build"),
        (EventType.PHASE_COMPLETED, "build"),
        (EventType.WORKFLOW_COMPLETED, None),
    ]


async def test_a_class_worth_it_is_tried_again_as_a_new_attempt(play, interpret):
    gone = PhaseFailed(FailureClass.TRANSIENT, "gone")
    assert await interpret({"plan": fails_with(gone, gone)}) == "completed"
    assert await attempts(play) == [
        ("plan", 1, PhaseStatus.FAILED),
        ("plan", 2, PhaseStatus.FAILED),
        ("plan", 3, PhaseStatus.COMPLETED),
    ]


async def test_a_failed_phase_fails_the_workflow_and_never_reads_as_done(play, interpret):
    assert "gone" in await interpret({"plan": done, "build": fails_with(PhaseFailed(FailureClass.GATE_FAILED, "gone"))})
    now = await play.now()
    assert (now.status, now.phase) == (Status.FAILED, "building")
    assert now.failure is not None
    assert (now.failure.failure_class, now.failure.phase) == (FailureClass.GATE_FAILED, "build")
    (event,) = await play.events(EventType.WORKFLOW_FAILED)
    assert event.data["nextActions"] == list(now.failure.next_actions(now.adw_id))


async def test_an_error_of_ours_fails_the_phase_by_its_class(play, interpret):
    await interpret({"plan": fails_with(*[GitError("disk full")] * 2)})
    now = await play.now()
    assert now.failure is not None
    assert now.failure.failure_class is FailureClass.INFRASTRUCTURE
    assert len(await attempts(play)) == 2


async def test_a_defect_is_told_as_one(play, interpret):
    assert await interpret({"plan": fails_with(KeyError("x"))}) == "failed: internal"
    now = await play.now()
    assert now.failure is not None
    assert (now.failure.failure_class, now.failure.message) == (FailureClass.INTERNAL, "KeyError: 'x'")


@pytest.mark.parametrize(
    ("content", "failure_class"),
    [(b"[budgets]\n", FailureClass.CONFIGURATION), (GitError("gone"), FailureClass.INFRASTRUCTURE)],
)
async def test_settings_that_cannot_be_read_fail_the_workflow_instead_of_stranding_it(
    play, interpret, content, failure_class
):
    assert await interpret({"plan": done}, access=Access(content)) == f"failed: {failure_class}"
    now = await play.now()
    assert now.status is Status.FAILED
    assert now.failure is not None
    assert now.failure.failure_class is failure_class


async def test_a_late_leg_takes_nothing_from_the_present_one(play, interpret):
    async with play.database.begin() as connection:
        await begin_leg(connection, play.workflow.adw_id)
    before = await play.now()
    assert await interpret({"plan": done}, number=1) == "taken over"
    assert await play.now() == before


async def test_a_workflow_taken_over_meanwhile_is_left_to_its_new_owner(play, interpret):
    async def lose(ctx):
        async with play.database.begin() as connection:
            await fence_off(connection, ctx.adw_id)
        return {}

    assert await interpret({"plan": lose}) == "taken over"
    assert (await play.now()).status is Status.ACTIVE


async def test_a_defect_after_a_takeover_is_not_told(play, interpret):
    async def lose(ctx):
        async with play.database.begin() as connection:
            await fence_off(connection, ctx.adw_id)
        raise KeyError

    assert await interpret({"plan": lose}) == "taken over"
    assert (await play.now()).status is Status.ACTIVE


async def test_a_workflow_that_is_not_active_any_more_is_let_be(play, interpret):
    async with play.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE adw_workflows SET status = 'cancelled'")
    assert await interpret({"plan": done}) == "ended: the workflow is not active"
    assert await attempts(play) == []


async def test_a_replay_does_nothing_twice(play, interpret):
    runs = []

    async def count(_ctx):
        runs.append(1)
        return {}

    assert await interpret({"plan": count}) == "completed"
    told = len(await play.events())
    assert await interpret({"plan": count}) == "completed"
    assert len(await play.events()) == told


async def test_a_forge_that_is_away_fails_no_work_that_went_well(play, interpret):
    assert await interpret({"plan": done}) == "completed"
    assert await play.events(EventType.COMMENT_POSTED) == []
