"""Taking over and handing back, speaking to agents, comparing: which states allow it, and what is written."""

from __future__ import annotations

import pytest
from tests.control.past import BUILT, PLAN, now, ordered

from adw.control.cleanup import reason_to_remove
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.places import presence_file
from adw.domain.status import Status
from adw.kit.errors import ConflictError, UsageError, WrongStateError
from adw.kit.presence import present
from adw.store import approvals
from adw.store.events import get_workflow_events
from adw.store.orders import OrderKind


class TestTakeover:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_what_may_go_on_is_taken_over(self, steering, database, enqueuer, worked, status):
        workflow = await worked(status)
        action = steering.takeover(workflow.adw_id, actor="ann")
        if status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
            with pytest.raises(WrongStateError) as refused:
                await action
            assert f"{workflow.adw_id}" in refused.value.hint
            return
        taken = await action
        assert (taken.workflow.status, taken.workflow.held_by) == (Status.PAUSED, "ann")
        assert (taken.workflow.worktree_path, taken.notes) == (str(taken.path), ())
        verbs = [verb for verb, _ in await enqueuer.orders(database)]
        assert verbs == (["revoke"] if status is Status.ACTIVE else [])
        assert (await steering.takeover(workflow.adw_id, actor="ann")).path == taken.path

    @pytest.mark.parametrize("changes", [{"head_sha": None}, {"branch_name": None}, {"rewind_to": PLAN}])
    async def test_without_a_branch_of_its_own_there_is_nothing_to_take(self, steering, database, worked, changes):
        workflow = await worked(Status.ACTIVE, **changes)
        with pytest.raises(WrongStateError):
            await steering.takeover(workflow.adw_id, actor="ann")
        assert await now(database, workflow.adw_id) == workflow

    async def test_one_person_at_a_time(self, steering, control, worked):
        workflow = await worked(Status.ACTIVE)
        await steering.takeover(workflow.adw_id, actor="ann")
        with pytest.raises(ConflictError, match="ann"):
            await steering.takeover(workflow.adw_id, actor="bob")
        with pytest.raises(WrongStateError) as refused:
            await control.resume(workflow.adw_id, actor="ann")
        assert "handback" in refused.value.hint

    async def test_a_worker_that_does_not_let_go_is_told_of(self, steering, monkeypatch, worked):
        monkeypatch.setattr("adw.control.steering.AGENT_END_TIMEOUT_S", 0.05)
        workflow = await worked(Status.ACTIVE)
        with present(presence_file(steering.work_dir, workflow.adw_id)):
            taken = await steering.takeover(workflow.adw_id, actor="ann")
        assert "not let go" in taken.notes[0]

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.PAUSED])
    async def test_handed_back_it_goes_on_with_what_the_person_did(self, steering, database, enqueuer, worked, status):
        workflow = await worked(status)
        await steering.takeover(workflow.adw_id, actor="ann")
        back = await steering.handback(workflow.adw_id, actor="bob", message="Mend it")
        target = Status.QUEUED if status is Status.QUEUED else Status.ACTIVE
        assert (back.status, back.held_by) == (target, None)
        assert await ordered(database, workflow.adw_id, OrderKind.HANDBACK) == {"by": "ann", "message": "Mend it"}
        assert ("enqueue" in dict(await enqueuer.orders(database))) == (target is Status.ACTIVE)
        with pytest.raises(WrongStateError, match="nobody"):
            await steering.handback(workflow.adw_id, actor="bob")

    @pytest.mark.parametrize(
        ("kind", "after"), [(ApprovalKind.CONFLICT, Decision.ALLOWED), (ApprovalKind.PLAN, Decision.PENDING)]
    )
    async def test_a_handback_answers_a_conflict_and_nothing_else(self, steering, database, worked, kind, after):
        workflow = await worked(Status.WAITING)
        async with database.begin() as connection:
            await approvals.ask(connection, adw_id=workflow.adw_id, kind=kind, key="k", question="?", data={})
        await steering.takeover(workflow.adw_id, actor="ann")
        assert (await steering.handback(workflow.adw_id, actor="ann")).status is Status.ACTIVE
        async with database.read() as connection:
            (asked,) = await approvals.list_approvals(connection, adw_id=workflow.adw_id)
        assert asked.decision is after

    async def test_a_denial_meanwhile_counts_when_it_is_handed_back(self, steering, control, database, worked):
        workflow = await worked(Status.WAITING)
        async with database.begin() as connection:
            await approvals.ask(
                connection, adw_id=workflow.adw_id, kind=ApprovalKind.PLAN, key="k", question="?", data={}
            )
        await steering.takeover(workflow.adw_id, actor="ann")
        await control.decide(workflow.adw_id, allow=False, actor="bob")
        back = await steering.handback(workflow.adw_id, actor="ann")
        assert (back.status, back.held_by) == (Status.FAILED, None)

    async def test_a_cancelled_one_keeps_the_worktree_until_it_is_given_up(self, steering, control, worked):
        workflow = await worked(Status.ACTIVE)
        await steering.takeover(workflow.adw_id, actor="ann")
        cancelled = await control.cancel(workflow.adw_id, actor="bob")
        assert reason_to_remove(cancelled) is None
        given_up = await steering.handback(workflow.adw_id, actor="ann")
        assert given_up.status is Status.CANCELLED
        assert reason_to_remove(given_up) == "it was cancelled"


class TestMessages:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_who_may_still_hear_is_spoken_to(self, steering, database, worked, status):
        workflow = await worked(status)
        action = steering.send(workflow.adw_id, text=" Use the old format ", actor="ann")
        if status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
            with pytest.raises(WrongStateError) as refused:
                await action
            assert refused.value.hint
            return
        message = await action
        assert (message.author, message.body, message.delivered_at) == ("ann", "Use the old format", None)
        async with database.read() as connection:
            event = (await get_workflow_events(connection, workflow.adw_id))[-1]
        assert event.data == {"messageId": str(message.id), "by": "ann", "text": "Use the old format"}

    @pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001])
    async def test_a_text_that_says_nothing_or_too_much_is_refused(self, steering, worked, text):
        workflow = await worked(Status.ACTIVE)
        with pytest.raises(UsageError):
            await steering.send(workflow.adw_id, text=text, actor="ann")


class TestCompare:
    async def test_two_runs_are_set_side_by_side(self, steering, worked):
        source = await worked()
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann")
        found = await steering.compare(source.adw_id, fork.adw_id)
        assert found.diff == f"{BUILT}..{PLAN}"
        assert [row.evidence.gate for row in found.first.gates] == ["plan", "build"]
        assert [row.phase for row in found.second.phases] == ["plan"]

    async def test_the_same_head_has_no_difference(self, steering, worked):
        source = await worked()
        assert (await steering.compare(source.adw_id, source.adw_id)).diff == ""
