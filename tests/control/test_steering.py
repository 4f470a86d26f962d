"""Steering as transactions: which states allow it, what is written, and who wins a race."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from adw.control.cleanup import reason_to_remove
from adw.control.steering import Steering
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.status import PrState, Status, WaitReason
from adw.kit.errors import ConflictError, DuplicateRunError, GitError, UsageError, WrongStateError
from adw.kit.presence import present
from adw.ports.projects import ForeignTip
from adw.ports.workspace import RepositoryRef
from adw.store import accounts, approvals, phases, usage
from adw.store.events import get_workflow_events
from adw.store.orders import OrderKind, open_order, place_order
from adw.store.results import list_artifacts, save_artifact
from adw.store.workflows import begin_leg, require_workflow, transition, update_workflow
from adw.workflows.services import presence_file

BASE, PLAN, BUILT = "b" * 40, "1" * 40, "2" * 40


class Access:
    """The part of `adw.ports.projects.ProjectAccess` that steering uses."""

    def __init__(self):
        self.tips = ()
        self.branches = {}
        self.refuses = None

    def repository(self, project):
        return RepositoryRef(project_id=project.id, source=Path("/srv/tally"), remote=Path("/srv/remote"))

    async def read_committed(self, _project, **_):
        return b'[workflows.quick]\nphases = ["plan", "build"]\n'

    async def foreign_tips(self, _project, **_):
        return self.tips

    async def start_branch(self, _project, *, branch, sha):
        if self.refuses:
            raise self.refuses
        self.branches[branch] = sha

    async def diff_between(self, _project, *, before, after):
        return f"{before}..{after}"


class Workspaces:
    def __init__(self, root):
        self.root = root
        self.specs = []

    async def prepare(self, spec):
        self.specs.append(spec)
        return self

    @property
    def path(self):
        return self.root / "tree"


@pytest.fixture
def access():
    return Access()


@pytest.fixture
def steering(database, enqueuer, access, tmp_path):
    return Steering(
        database=database, enqueuer=enqueuer, access=access, workspaces=Workspaces(tmp_path), work_dir=tmp_path / "work"
    )


@pytest.fixture
def at(database, make_workflow):
    """A workflow in a status, with plan and build done and pushed, and its test attempt as the status wants it."""

    async def go(status=Status.COMPLETED, *, done=("plan", "build"), **changes):
        budget = changes.pop("budget_usd", None)
        workflow = await make_workflow(budget_usd=budget)
        async with database.begin() as connection:
            await usage.set_budget(connection, workflow.adw_id, budget_usd=budget)
            await _past(connection, workflow.adw_id, done)
            values = {
                "branch_name": f"bug-issue-1-adw-{workflow.adw_id}-totals",
                "issue_class": "bug",
                "plan_file": "specs/plan.md",
                "head_sha": BUILT,
            }
            await update_workflow(connection, workflow.adw_id, changes=values | changes)
            for step in WAYS[status]:
                await _move(connection, workflow.adw_id, step)
            return await require_workflow(connection, workflow.adw_id)

    return go


WAYS = {
    Status.QUEUED: (),
    Status.ACTIVE: (Status.ACTIVE,),
    Status.WAITING: (Status.ACTIVE, Status.WAITING),
    Status.PAUSED: (Status.ACTIVE, Status.PAUSED),
    Status.COMPLETED: (Status.ACTIVE, Status.COMPLETED),
    Status.FAILED: (Status.ACTIVE, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}
COMMITS = {"plan": (None, PLAN), "build": (PLAN, BUILT), "test": (BUILT, BUILT)}


async def _past(connection, adw_id, names):
    for name in names:
        before, after = COMMITS[name]
        await phases.start_phase(connection, adw_id=adw_id, phase=name, attempt=1, commit_before=before)
        await phases.end_phase(
            connection,
            adw_id=adw_id,
            phase=name,
            attempt=1,
            status=PhaseStatus.COMPLETED,
            commit_after=after,
            data={"head": after},
        )
        found = Evidence(
            gate=name, outcome=GateOutcome.PASSED, commit=after, summary="good", data={"report": f"{name}.json"}
        )
        await phases.record_evidence(connection, adw_id=adw_id, phase=name, attempt=1, found=found)
        await save_artifact(connection, adw_id=adw_id, name=f"{name}.json", media_type="x/y", content=b"{}")


async def _move(connection, adw_id, step):
    values = {}
    if step is Status.ACTIVE:
        await begin_leg(connection, adw_id)
    if step is Status.WAITING:
        values = {"wait_reason": WaitReason.APPROVAL.value}
    if step is Status.PAUSED:
        values = {"paused_from": Status.ACTIVE.value}
    event = NewEvent(type=EventType.WORKFLOW_UPDATED, message=step)
    await transition(connection, adw_id, to=step, event=event, changes=values)


async def now(database, adw_id):
    async with database.read() as connection:
        return await require_workflow(connection, adw_id)


async def rows(database, adw_id):
    async with database.read() as connection:
        found = await phases.list_phases(connection, adw_id)
    return [(row.phase, row.attempt, row.status.value) for row in found]


async def ordered(database, adw_id, kind):
    async with database.read() as connection:
        found = await open_order(connection, adw_id, kind)
    return None if found is None else found.data


class TestRetryFrom:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_what_has_failed_or_completed_is_done_again(self, steering, database, at, status):
        workflow = await at(status)
        action = steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        if status in {Status.FAILED, Status.COMPLETED}:
            assert (await action).status is Status.QUEUED
        else:
            with pytest.raises(WrongStateError):
                await action
            assert await now(database, workflow.adw_id) == workflow

    @pytest.mark.parametrize("state", [PrState.MERGED, PrState.CLOSED])
    async def test_nothing_is_done_again_after_the_pull_request_is_over(self, steering, at, state):
        workflow = await at(pr_state=state.value)
        with pytest.raises(WrongStateError, match=state) as refused:
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann", discard_foreign=True)
        assert "fork" in refused.value.hint

    @pytest.mark.parametrize(("phase", "what"), [("review", "no phase"), ("test", "never run")])
    async def test_a_phase_that_never_ran_is_a_mistake(self, steering, at, phase, what):
        workflow = await at()
        with pytest.raises(UsageError, match=what):
            await steering.retry_from(workflow.adw_id, from_phase=phase, actor="ann")

    async def test_the_phase_and_what_follows_is_superseded_and_the_branch_is_to_move(self, steering, database, at):
        workflow = await at(Status.FAILED, done=("plan", "build", "test"))
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

    async def test_from_the_first_phase_it_goes_back_to_the_base(self, steering, at):
        workflow = await at()
        assert (await steering.retry_from(workflow.adw_id, from_phase="plan", actor="ann")).rewind_to == BASE

    async def test_without_a_commit_there_is_nothing_to_move(self, steering, database, at):
        workflow = await at(Status.FAILED, done=(), head_sha=None)
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id=workflow.adw_id, phase="plan", attempt=1, commit_before=None)
        queued = await steering.retry_from(workflow.adw_id, from_phase="plan", actor="ann")
        assert queued.rewind_to is None
        assert await ordered(database, workflow.adw_id, OrderKind.REWIND) is None
        assert await rows(database, workflow.adw_id) == [("plan", 1, "superseded")]

    async def test_of_two_at_once_one_wins(self, steering, database, at):
        workflow = await at()
        results = await asyncio.gather(
            *(steering.retry_from(workflow.adw_id, from_phase="build", actor=who) for who in ("ann", "bob")),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in results) == ["Workflow", "WrongStateError"]
        assert (await ordered(database, workflow.adw_id, OrderKind.REWIND))["keep"] == {"attempt-1": BUILT}

    async def test_an_order_that_was_not_carried_out_is_replaced_and_numbered_on(self, steering, database, at):
        workflow = await at()
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        async with database.begin() as connection:
            await _move(connection, workflow.adw_id, Status.ACTIVE)
            await _move(connection, workflow.adw_id, Status.FAILED)
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        order = await ordered(database, workflow.adw_id, OrderKind.REWIND)
        assert (order["to"], order["keep"]) == (PLAN, {"attempt-2": BUILT})

    async def test_commits_of_others_are_given_up_only_when_that_is_asked_for_and_then_kept(
        self, steering, database, access, at
    ):
        pushed = ForeignTip(sha="f" * 40, on_remote=True, contains_ours=True)
        theirs = ForeignTip(sha="e" * 40, on_remote=False, contains_ours=False)
        access.tips = (pushed, theirs)
        workflow = await at()
        with pytest.raises(ConflictError) as refused:
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        assert "--discard-foreign" in refused.value.hint
        assert await now(database, workflow.adw_id) == workflow
        await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann", discard_foreign=True)
        order = await ordered(database, workflow.adw_id, OrderKind.REWIND)
        assert (order["old"], order["published"]) == (pushed.sha, theirs.sha)
        assert order["keep"] == {"attempt-1": pushed.sha, "attempt-1-foreign-1": theirs.sha}

    async def test_adopted_commits_count_as_those_of_others_if_they_would_go(self, steering, database, at):
        workflow = await at(done=("plan", "build"))
        async with database.begin() as connection:
            data = {"head": BUILT, "foreign": ["f" * 40]}
            await place_order(connection, adw_id=workflow.adw_id, kind=OrderKind.ADOPTION, data=data, settled=True)
            await _past(connection, workflow.adw_id, ("test",))
        with pytest.raises(ConflictError):
            await steering.retry_from(workflow.adw_id, from_phase="build", actor="ann")
        assert (await steering.retry_from(workflow.adw_id, from_phase="test", actor="ann")).rewind_to == BUILT


class TestFork:
    async def test_it_inherits_what_comes_before_and_what_is_left_of_the_budget(self, steering, database, access, at):
        source = await at(budget_usd=Decimal(5), done=("plan", "build", "test"))
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
        self, steering, at, make_workflow
    ):
        source = await at(pr_state=PrState.READY.value)
        await steering.fork(source.adw_id, from_phase="build", actor="ann")
        await steering.fork(source.adw_id, from_phase="build", actor="ann")
        with pytest.raises(DuplicateRunError):
            await make_workflow()

    async def test_a_running_workflow_can_be_forked_before_its_phase(self, steering, database, at):
        source = await at(Status.ACTIVE, done=("plan",))
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id=source.adw_id, phase="build", attempt=1, commit_before=PLAN)
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann")
        assert (fork.head_sha, fork.phase) == (PLAN, "planned")
        assert (await now(database, source.adw_id)).status is Status.ACTIVE

    async def test_a_fork_from_the_very_beginning_keeps_only_its_names(self, steering, database, access, at):
        source = await at()
        fork = await steering.fork(source.adw_id, from_phase="plan", actor="ann")
        assert (fork.head_sha, fork.issue_class, fork.phase) == (None, "bug", "initialized")
        assert access.branches == {}
        assert await rows(database, fork.adw_id) == []

    @pytest.mark.parametrize("kind", ["quick", "plan_build", "sdlc"])
    async def test_it_may_go_on_as_another_kind(self, steering, at, kind):
        source = await at()
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
    async def test_what_cannot_be_forked_is_refused(self, steering, at, phase, kind, error):
        source = await at()
        with pytest.raises(error):
            await steering.fork(source.adw_id, from_phase=phase, actor="ann", kind=kind)

    async def test_the_same_key_gives_the_same_fork(self, steering, at):
        source = await at()
        one, two = await asyncio.gather(
            *(steering.fork(source.adw_id, from_phase="build", actor="ann", key="k") for _ in range(2))
        )
        assert one.adw_id == two.adw_id

    async def test_without_its_branch_there_is_no_fork(self, steering, database, access, at):
        source = await at()
        access.refuses = GitError("disk full")
        with pytest.raises(GitError):
            await steering.fork(source.adw_id, from_phase="build", actor="ann")
        assert await now(database, source.adw_id) == source


class TestTakeover:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_what_may_go_on_is_taken_over(self, steering, database, enqueuer, at, status):
        workflow = await at(status)
        action = steering.takeover(workflow.adw_id, actor="ann")
        if status in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
            with pytest.raises(WrongStateError):
                await action
            return
        taken = await action
        assert (taken.workflow.status, taken.workflow.held_by) == (Status.PAUSED, "ann")
        assert (taken.workflow.worktree_path, taken.notes) == (str(taken.path), ())
        verbs = [verb for verb, _ in await enqueuer.orders(database)]
        assert verbs == (["revoke"] if status is Status.ACTIVE else [])
        assert (await steering.takeover(workflow.adw_id, actor="ann")).path == taken.path

    @pytest.mark.parametrize("changes", [{"head_sha": None}, {"branch_name": None}, {"rewind_to": PLAN}])
    async def test_without_a_branch_of_its_own_there_is_nothing_to_take(self, steering, database, at, changes):
        workflow = await at(Status.ACTIVE, **changes)
        with pytest.raises(WrongStateError):
            await steering.takeover(workflow.adw_id, actor="ann")
        assert await now(database, workflow.adw_id) == workflow

    async def test_one_person_at_a_time(self, steering, control, at):
        workflow = await at(Status.ACTIVE)
        await steering.takeover(workflow.adw_id, actor="ann")
        with pytest.raises(ConflictError, match="ann"):
            await steering.takeover(workflow.adw_id, actor="bob")
        with pytest.raises(WrongStateError) as refused:
            await control.resume(workflow.adw_id, actor="ann")
        assert "handback" in refused.value.hint

    async def test_a_worker_that_does_not_let_go_is_told_of(self, steering, monkeypatch, at):
        monkeypatch.setattr("adw.control.steering.AGENT_END_TIMEOUT_S", 0.05)
        workflow = await at(Status.ACTIVE)
        with present(presence_file(steering.work_dir, workflow.adw_id)):
            taken = await steering.takeover(workflow.adw_id, actor="ann")
        assert "not let go" in taken.notes[0]

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.PAUSED])
    async def test_handed_back_it_goes_on_with_what_the_person_did(self, steering, database, enqueuer, at, status):
        workflow = await at(status)
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
    async def test_a_handback_answers_a_conflict_and_nothing_else(self, steering, database, at, kind, after):
        workflow = await at(Status.WAITING)
        async with database.begin() as connection:
            await approvals.ask(connection, adw_id=workflow.adw_id, kind=kind, key="k", question="?", data={})
        await steering.takeover(workflow.adw_id, actor="ann")
        assert (await steering.handback(workflow.adw_id, actor="ann")).status is Status.ACTIVE
        async with database.read() as connection:
            (asked,) = await approvals.list_approvals(connection, adw_id=workflow.adw_id)
        assert asked.decision is after

    async def test_a_denial_meanwhile_counts_when_it_is_handed_back(self, steering, control, database, at):
        workflow = await at(Status.WAITING)
        async with database.begin() as connection:
            await approvals.ask(
                connection, adw_id=workflow.adw_id, kind=ApprovalKind.PLAN, key="k", question="?", data={}
            )
        await steering.takeover(workflow.adw_id, actor="ann")
        await control.decide(workflow.adw_id, allow=False, actor="bob")
        back = await steering.handback(workflow.adw_id, actor="ann")
        assert (back.status, back.held_by) == (Status.FAILED, None)

    async def test_a_cancelled_one_keeps_the_worktree_until_it_is_given_up(self, steering, control, at):
        workflow = await at(Status.ACTIVE)
        await steering.takeover(workflow.adw_id, actor="ann")
        cancelled = await control.cancel(workflow.adw_id, actor="bob")
        assert reason_to_remove(cancelled) is None
        given_up = await steering.handback(workflow.adw_id, actor="ann")
        assert given_up.status is Status.CANCELLED
        assert reason_to_remove(given_up) == "it was cancelled"


class TestMessages:
    @pytest.mark.parametrize("status", list(Status))
    async def test_only_who_may_still_hear_is_spoken_to(self, steering, database, at, status):
        workflow = await at(status)
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
    async def test_a_text_that_says_nothing_or_too_much_is_refused(self, steering, at, text):
        workflow = await at(Status.ACTIVE)
        with pytest.raises(UsageError):
            await steering.send(workflow.adw_id, text=text, actor="ann")


class TestCompare:
    async def test_two_runs_are_set_side_by_side(self, steering, at):
        source = await at()
        fork = await steering.fork(source.adw_id, from_phase="build", actor="ann")
        found = await steering.compare(source.adw_id, fork.adw_id)
        assert found.diff == f"{BUILT}..{PLAN}"
        assert [row.evidence.gate for row in found.first.gates] == ["plan", "build"]
        assert [row.phase for row in found.second.phases] == ["plan"]

    async def test_the_same_head_has_no_difference(self, steering, at):
        source = await at()
        assert (await steering.compare(source.adw_id, source.adw_id)).diff == ""
