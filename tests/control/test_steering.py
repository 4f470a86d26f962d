"""Steering as transactions: which states allow it, what is written, and who wins a race."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text
from tests.control.past import BASE, BUILT, PLAN, move, now, ordered, past, rows

from adw.domain.status import PrState, Status
from adw.kit.errors import ConflictError, DuplicateRunError, GitError, UsageError, WrongStateError
from adw.ports.projects import ForeignTip
from adw.store import accounts, phases
from adw.store.orders import OrderKind, place_order
from adw.store.results import list_artifacts


class TestRetryFrom:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_what_has_failed_or_completed_is_done_again(self, steering, database, worked, status):
        workflow = await worked(status)
        action = steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        if status in {Status.FAILED, Status.COMPLETED}:
            assert (await action).status is Status.QUEUED
        else:
            with pytest.raises(WrongStateError):
                await action
            assert await now(database, workflow.adw_id) == workflow

    @pytest.mark.parametrize("state", [PrState.MERGED, PrState.CLOSED])
    async def test_nothing_is_done_again_after_the_pull_request_is_over(self, steering, worked, state):
        workflow = await worked(pr_state=state.value)
        with pytest.raises(WrongStateError, match=state) as refused:
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann", discard_foreign=True)
        assert "fork" in refused.value.hint

    @pytest.mark.parametrize(("phase", "what"), [("review", "no phase"), ("test", "never run")])
    async def test_a_phase_that_never_ran_is_a_mistake(self, steering, worked, phase, what):
        workflow = await worked()
        with pytest.raises(UsageError, match=what):
            await steering.retry_from(workflow.adw_id, from_phase=phase, actor="ann")

    async def test_the_phase_and_what_follows_is_superseded_and_the_branch_is_tomove(self, steering, database, worked):
        workflow = await worked(Status.FAILED, done=("plan", "build", "test"))
        queued = await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        assert (queued.rewind_to, queued.failure, queued.head_sha) == (PLAN, None, BUILT)
        assert await rows(database, workflow.adw_id) == [
            ("plan", 1, "completed"),
            ("build", 1, "superseded"),
            ("test", 1, "superseded"),
        ]
        async with database.read() as connection:
            evidence = await phases.list_evidence(connection, workflow.adw_id)
        assert [(row.phase, row.superseded) for row in evidence] == [("plan", False), ("build", True), ("test", True)]
        assert await ordered(database, workflow.adw_id, OrderKind.REWIND) == {
            "to": PLAN,
            "from": "build",
            "old": BUILT,
            "published": None,
            "keep": {"attempt-1": BUILT},
        }

    async def test_from_the_first_phase_it_goes_back_to_the_base(self, steering, worked):
        workflow = await worked()
        assert (await steering.retry_from(workflow.adw_id, from_phase="plan", actor="ann")).rewind_to == BASE

    async def test_without_a_commit_there_is_nothing_tomove(self, steering, database, worked):
        workflow = await worked(Status.FAILED, done=(), head_sha=None)
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id=workflow.adw_id, phase="plan", attempt=1, commit_before=None)
        queued = await steering.retry_from(workflow.adw_id, from_phase="plan", actor="ann")
        assert queued.rewind_to is None
        assert await ordered(database, workflow.adw_id, OrderKind.REWIND) is None
        assert await rows(database, workflow.adw_id) == [("plan", 1, "superseded")]

    async def test_of_two_at_once_one_wins(self, steering, database, worked):
        workflow = await worked()
        results = await asyncio.gather(
            *(steering.retry_from(workflow.adw_id, from_phase="build", actor=who) for who in ("ann", "bob")),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in results) == ["Workflow", "WrongStateError"]
        assert (await ordered(database, workflow.adw_id, OrderKind.REWIND))["keep"] == {"attempt-1": BUILT}

    async def test_an_order_that_was_not_carried_out_is_replaced_and_numbered_on(self, steering, database, worked):
        workflow = await worked()
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        async with database.begin() as connection:
            await move(connection, workflow.adw_id, Status.ACTIVE)
            await move(connection, workflow.adw_id, Status.FAILED)
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        order = await ordered(database, workflow.adw_id, OrderKind.REWIND)
        assert (order["to"], order["keep"]) == (PLAN, {"attempt-2": BUILT})

    async def test_commits_of_others_are_given_up_only_when_that_is_asked_for_and_then_kept(
        self, steering, database, access, worked
    ):
        pushed = ForeignTip(sha="f" * 40, on_remote=True, contains_ours=True)
        theirs = ForeignTip(sha="e" * 40, on_remote=False, contains_ours=False)
        access.tips = (pushed, theirs)
        workflow = await worked()
        with pytest.raises(ConflictError) as refused:
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        assert "--discard-foreign" in refused.value.hint
        assert await now(database, workflow.adw_id) == workflow
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann", discard_foreign=True)
        order = await ordered(database, workflow.adw_id, OrderKind.REWIND)
        assert (order["old"], order["published"]) == (pushed.sha, theirs.sha)
        assert order["keep"] == {"attempt-1": pushed.sha, "attempt-1-foreign-1": theirs.sha}

    async def test_adopted_commits_count_as_those_of_others_if_they_would_go(self, steering, database, worked):
        workflow = await worked(done=("plan", "build"))
        async with database.begin() as connection:
            data = {"head": BUILT, "foreign": ["f" * 40]}
            await place_order(connection, adw_id=workflow.adw_id, kind=OrderKind.ADOPTION, data=data, settled=True)
            await past(connection, workflow.adw_id, ("test",))
        with pytest.raises(ConflictError):
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        assert (await steering.retry_from(workflow.adw_id, from_phase="test", actor="ann")).rewind_to == BUILT


class TestFork:
    async def test_it_inherits_what_comes_before_and_what_is_left_of_the_budget(
        self, steering, database, access, worked
    ):
        source = await worked(budget_usd=Decimal(5), done=("plan", "build", "test"))
        fork = await steering.fork(source.adw_id, from_phase="test", actor="ann")
        assert (fork.status, fork.forked_from, fork.phase) == (Status.QUEUED, source.adw_id, "built")
        assert (fork.issue_number, fork.issue_title, fork.plan_file) == (1, source.issue_title, "specs/plan.md")
        assert (fork.head_sha, fork.base_sha, fork.pr_number) == (BUILT, BASE, None)
        assert fork.branch_name == f"bug-issue-1-adw-{fork.adw_id}-totals"
        assert access.branches == {fork.branch_name: BUILT}
        async with database.read() as connection:
            assert (await accounts.account_of(connection, fork.adw_id)).budget_usd == Decimal(5)
            inherited = await phases.list_phases(connection, fork.adw_id)
            evidence = await phases.list_evidence(connection, fork.adw_id)
            artifacts = await list_artifacts(connection, fork.adw_id)
        assert [(row.phase, row.attempt, row.data) for row in inherited] == [
            ("plan", 1, {"head": PLAN, "inheritedFrom": source.adw_id}),
            ("build", 1, {"head": BUILT, "inheritedFrom": source.adw_id}),
        ]
        assert [row.evidence.data["inheritedFrom"] for row in evidence] == [source.adw_id] * 2
        assert sorted(each.name for each in artifacts) == ["build.json", "plan.json"]
        assert (await now(database, source.adw_id)).status is Status.COMPLETED

    async def test_it_is_free_of_the_rule_of_one_for_each_issue_and_leaves_the_issue_free(
        self, steering, worked, make_workflow
    ):
        source = await worked(pr_state=PrState.READY.value)
        await steering.fork(source.adw_id, from_phase="build", actor="ann")
        await steering.fork(source.adw_id, from_phase="build", actor="ann")
        with pytest.raises(DuplicateRunError):
            await make_workflow()

    async def test_a_running_workflow_can_be_forked_before_its_phase(self, steering, database, worked):
        source = await worked(Status.ACTIVE, done=("plan",))
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id=source.adw_id, phase="build", attempt=1, commit_before=PLAN)
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann")
        assert (fork.head_sha, fork.phase) == (PLAN, "planned")
        assert (await now(database, source.adw_id)).status is Status.ACTIVE

    async def test_a_fork_from_the_very_beginning_keeps_only_its_names(self, steering, database, access, worked):
        source = await worked()
        fork = await steering.fork(source.adw_id, from_phase="plan", actor="ann")
        assert (fork.head_sha, fork.issue_class, fork.phase) == (None, "bug", "initialized")
        assert access.branches == {}
        assert await rows(database, fork.adw_id) == []

    async def test_a_fork_of_work_that_must_be_shut_in_must_be_shut_in_as_well(self, steering, database, worked):
        source = await worked()
        kept = "UPDATE adw_workflows SET trigger = trigger || '{\"needsContainment\": true}' WHERE adw_id = :id"
        async with database.begin() as connection:
            await connection.execute(text(kept), {"id": source.adw_id})
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann")
        assert fork.trigger["needsContainment"] is True
        assert fork.trigger["source"] == "fork"

    @pytest.mark.parametrize("kind", ["quick", "plan_build", "sdlc"])
    async def test_it_may_go_on_as_another_kind(self, steering, worked, kind):
        source = await worked()
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann", kind=kind)
        assert fork.workflow_type == kind.replace("_", "-")
        assert fork.phases[:2] == ("plan", "build")

    @pytest.mark.parametrize(
        ("phase", "kind", "error"),
        [
            ("review", None, UsageError),
            ("test", "plan-build", UsageError),
            ("finish", None, WrongStateError),
            ("plan", "huge", UsageError),
        ],
    )
    async def test_what_cannot_be_forked_is_refused(self, steering, worked, phase, kind, error):
        source = await worked()
        with pytest.raises(error):
            await steering.fork(source.adw_id, from_phase=phase, actor="ann", kind=kind)

    async def test_the_same_key_gives_the_same_fork(self, steering, worked):
        source = await worked()
        one, two = await asyncio.gather(
            *(steering.fork(source.adw_id, from_phase="build", actor="ann", key="k") for _ in range(2))
        )
        assert one.adw_id == two.adw_id

    async def test_without_its_branch_there_is_no_fork(self, steering, database, access, worked):
        source = await worked()
        access.refuses = GitError("disk full")
        with pytest.raises(GitError):
            await steering.fork(source.adw_id, from_phase="build", actor="ann")
        assert await now(database, source.adw_id) == source
