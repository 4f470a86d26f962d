"""What people do to a running workflow: pause, resume, cancel, retry, allow, deny, raise."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from repositories import git
from script import (
    BUILT,
    adds_farewell,
    answer,
    blocks,
    builds,
    call,
    classifies,
    plans,
    rule,
    scenario,
    shell,
    straight,
)

from adw.domain.events import EventType, NewEvent
from adw.domain.workflow import WorkflowOptions
from adw.kit.errors import WrongStateError
from adw.store.approvals import list_approvals
from adw.store.events import FencedError, append_event
from adw.store.workflows import count_active

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]

ASKS = WorkflowOptions(plan_approval=True)


@pytest.fixture
async def at_work(system, repository, folder):
    """A workflow whose implementor has written half and sits in a command, with a grandchild in the background."""
    hangs = f"(setsid sleep 301 &) ; touch {folder}/hangs; sleep 300"
    system.model.follow(
        scenario(
            classifies(),
            plans(),
            rule(
                "resumed",
                shell("cat farewell.txt"),
                adds_farewell(),
                answer(BUILT),
                role="implementor",
                turn=2,
                any_text="I begin",
            ),
            rule(
                "begun",
                blocks({"text": "I begin"}, call("Write", file_path="${cwd}/farewell.txt", content="first half\n")),
                shell(hangs),
                role="implementor",
            ),
        )
    )
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the agent's command hangs")
    return await system.workflow(accepted.adw_id)


async def test_a_paused_turn_stops_and_goes_on_in_the_same_conversation(system, at_work):
    await system.control.pause(at_work.adw_id, actor="person")
    await system.nothing_survives()
    paused = await system.workflow(at_work.adw_id)
    assert paused.status == "paused"
    requests = len(system.model.journal.entries)
    await system.control.pause(at_work.adw_id, actor="person")
    resumed = await system.control.resume(at_work.adw_id, actor="person")
    assert resumed.status == "active"
    workflow = await system.completed(at_work.adw_id)

    assert workflow.pr_state == "ready"
    assert len(system.model.journal.entries) > requests
    assert [system.model.conversations(role) for role in ("classifier", "planner", "implementor")] == [1, 1, 1]
    results = [event.message for event in await system.events(workflow.adw_id, "agent_tool_result")]
    assert any("first half" in said for said in results), "what was not yet committed is still there"
    rows = await system.phases(workflow.adw_id)
    assert [(row.phase, row.attempt) for row in rows] == [("plan", 1), ("build", 1), ("test", 1), ("finish", 1)]


async def test_a_cancelled_turn_is_over_within_seconds_and_writes_nothing_more(system, at_work):
    epoch = at_work.owner_epoch
    begin = time.monotonic()
    await system.control.cancel(at_work.adw_id, actor="person")
    await system.nothing_survives(timeout_s=3)
    assert time.monotonic() - begin < 3
    cancelled = await system.workflow(at_work.adw_id)
    assert cancelled.status == "cancelled"
    late = NewEvent(type=EventType.AGENT_TEXT, phase="build", message="too late")
    with pytest.raises(FencedError):
        async with system.foundation.database.begin() as connection:
            await append_event(connection, at_work.adw_id, late, owner_epoch=epoch)
    events = await system.events(at_work.adw_id)
    assert events[-1].type == "workflow_cancelled"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (await system.control.cancel(at_work.adw_id, actor="person")).status == "cancelled"
    with pytest.raises(WrongStateError):
        await system.control.retry(at_work.adw_id, actor="person")
    with pytest.raises(WrongStateError):
        await system.control.resume(at_work.adw_id, actor="person")


async def test_a_failed_phase_is_tried_again_and_what_was_finished_stays(system, repository):
    system.model.follow(scenario(classifies(), plans(), builds()))
    failed = await system.run(repository)
    assert (failed.status, failed.failure.failure_class) == ("failed", "agent_error")
    plan = git(repository, "rev-parse", failed.branch_name)
    system.model.follow(straight())
    await system.control.retry(failed.adw_id, actor="person")
    workflow = await system.completed(failed.adw_id)

    assert workflow.pr_state == "ready"
    assert workflow.failure is None
    assert (system.model.conversations("planner"), system.model.conversations("classifier")) == (0, 0)
    assert git(repository, "merge-base", plan, workflow.branch_name) == plan
    rows = [(row.phase, row.attempt, row.status.value) for row in await system.phases(workflow.adw_id)]
    assert rows[:4] == [
        ("plan", 1, "completed"),
        ("build", 1, "failed"),
        ("build", 2, "failed"),
        ("build", 3, "completed"),
    ]


async def asked(system, adw_id):
    async with system.foundation.database.read() as connection:
        [approval] = await list_approvals(connection, adw_id=adw_id, pending_only=True)
        assert await count_active(connection) == 0
    return approval


async def test_an_allowed_plan_is_built(system, repository):
    system.model.follow(straight())
    waiting = await system.run(repository, options=ASKS)
    assert (waiting.status, waiting.wait_reason, waiting.pr_state) == ("waiting", "approval", "draft")
    assert waiting.plan_file in git(repository, "ls-tree", "-r", "--name-only", waiting.branch_name)
    await system.nothing_survives()
    approval = await asked(system, waiting.adw_id)
    assert waiting.plan_file in approval.question
    _, going = await system.control.decide(waiting.adw_id, allow=True, actor="person")
    assert going.status == "active"
    workflow = await system.completed(waiting.adw_id)
    assert workflow.pr_state == "ready"
    assert system.model.conversations("planner") == 1
    [decided] = await system.events(workflow.adw_id, "approval_decided")
    assert "person" in decided.message


async def test_a_denied_plan_is_not_built(system, repository):
    system.model.follow(straight())
    waiting = await system.run(repository, options=ASKS)
    await system.control.decide(waiting.adw_id, allow=False, actor="person", reason="too long")
    workflow = await system.workflow(waiting.adw_id)
    assert (workflow.status, workflow.failure.failure_class) == ("failed", "cancelled")
    assert "too long" in workflow.failure.message
    assert workflow.failure.next_actions(workflow.adw_id)
    assert git(repository, "rev-parse", workflow.branch_name) == workflow.head_sha
    assert system.model.conversations("implementor") == 0


async def test_a_pause_over_a_question_keeps_it(system, repository):
    system.model.follow(straight())
    waiting = await system.run(repository, "plan", options=ASKS)
    await system.control.pause(waiting.adw_id, actor="person")
    again = await system.control.resume(waiting.adw_id, actor="person")
    assert (again.status, again.wait_reason) == ("waiting", "approval")
    await system.control.pause(waiting.adw_id, actor="person")
    await system.control.decide(waiting.adw_id, allow=True, actor="person")
    assert (await system.workflow(waiting.adw_id)).status == "paused"
    await system.control.resume(waiting.adw_id, actor="person")
    assert (await system.completed(waiting.adw_id)).pr_state == "draft"


async def test_a_reached_budget_waits_and_a_raise_continues_the_conversation(system, repository):
    dear = shell("echo this was dear") | {"usage": {"output_tokens": 20_000}}
    system.model.follow(straight(build=[dear, adds_farewell()]))
    waiting = await system.run(repository, budget_usd=Decimal("0.20"))
    assert (waiting.status, waiting.wait_reason) == ("waiting", "budget"), waiting.failure
    await system.nothing_survives()
    approval = await asked(system, waiting.adw_id)
    assert "0.20" in approval.question
    await system.control.decide(waiting.adw_id, allow=True, actor="person", budget_usd=Decimal(5))
    workflow = await system.completed(waiting.adw_id)

    assert workflow.pr_state == "ready"
    assert workflow.budget_usd == Decimal(5)
    assert system.model.conversations("implementor") == 1
    assert Decimal("0.20") < (await system.usage(workflow.adw_id)).cost_usd < Decimal(5)


async def test_a_budget_that_is_not_raised_fails_the_workflow(system, repository):
    system.model.follow(straight())
    waiting = await system.run(repository, budget_usd=Decimal("0.001"))
    assert (waiting.status, waiting.wait_reason) == ("waiting", "budget"), waiting.failure
    await system.control.decide(waiting.adw_id, allow=False, actor="person")
    workflow = await system.workflow(waiting.adw_id)
    assert (workflow.status, workflow.failure.failure_class) == ("failed", "budget_exceeded")
    assert (await system.usage(workflow.adw_id)).cost_usd <= Decimal("0.001")
