"""An agent asks a person while it works: once, for a while, and without stopping the workflow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from adw.agents.scripted import answers
from adw.domain.agent import Role
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.config import AgentsTable, ProjectConfig, StuckTable
from adw.domain.events import EventType
from adw.domain.failure import Failure, FailureClass
from adw.domain.status import Status
from adw.store import approvals
from adw.store.workflows import require_workflow
from adw.workflows.conversation import converse
from adw.workflows.lifecycle import fail_workflow
from adw.workflows.questions import question_tools

ASKING = AgentsTable(questions=True)


@pytest.fixture
def curious(play):
    """A phase whose agents may ask."""

    def make(**stuck):
        run = replace(play.run, config=ProjectConfig(agents=ASKING, stuck=StuckTable(**stuck)))
        return replace(play.ctx(), run=run)

    return make


def tool_of(ctx, *, round_number=0):
    (tool,) = question_tools(ctx, Role.IMPLEMENTOR, round_number=round_number, look_s=0.01)
    return tool


async def asked(play):
    async with play.database.read() as connection:
        return await approvals.list_approvals(connection, adw_id=play.workflow.adw_id)


async def decide(play, approval, decision, reason=None):
    async with play.database.begin() as connection:
        await approvals.decide(connection, approval_id=approval.id, decision=decision, decided_by="Ada", reason=reason)


@pytest.mark.parametrize(
    ("decision", "reason", "heard"),
    [
        (Decision.ALLOWED, "Berlin", "Ada answers: Berlin"),
        (Decision.DENIED, "Not mine", "Ada does not answer this: Not mine. Nobody has answered."),
    ],
)
async def test_the_agent_waits_for_the_answer_and_the_workflow_for_nothing(
    play, curious, eventually, decision, reason, heard
):
    asking = asyncio.create_task(tool_of(curious()).call({"question": " Which zone? "}))
    (question,) = await eventually(lambda: asked(play))
    assert (question.kind, question.question) == (ApprovalKind.QUESTION, "Which zone?")
    async with play.database.read() as connection:
        assert (await require_workflow(connection, play.workflow.adw_id)).status is Status.ACTIVE
    await decide(play, question, decision, reason)
    words, is_error = await asking
    assert words.startswith(heard)
    assert not is_error
    (event,) = await play.events(EventType.APPROVAL_REQUESTED)
    assert event.data["approvalId"] == str(question.id)


async def test_asked_again_after_a_death_the_answer_is_there(play, curious, eventually):
    asking = asyncio.create_task(tool_of(curious()).call({"question": "Which zone?"}))
    (question,) = await eventually(lambda: asked(play))
    asking.cancel()
    await decide(play, question, Decision.ALLOWED, "Berlin")
    assert await tool_of(curious()).call({"question": "Which zone?"}) == ("Ada answers: Berlin", False)
    assert len(await asked(play)) == 1


async def test_without_an_answer_it_is_told_to_do_what_it_thinks_best(play, curious):
    words, is_error = await tool_of(curious(silence_s=0.02)).call({"question": "Which zone?"})
    assert words.startswith("Nobody has answered.")
    assert not is_error
    assert [each.decision for each in await asked(play)] == [Decision.EXPIRED]


async def test_a_question_nobody_waits_for_ends_with_the_workflow(play, curious, eventually):
    asking = asyncio.create_task(tool_of(curious()).call({"question": "Which zone?"}))
    await eventually(lambda: asked(play))
    asking.cancel()
    failure = Failure(failure_class=FailureClass.AGENT_ERROR, message="no", phase="build")
    await fail_workflow(play.run, failure, name="failed")
    assert [each.decision for each in await asked(play)] == [Decision.EXPIRED]


@pytest.mark.parametrize("given", [{}, {"question": ""}, {"question": 1}, {"question": "  "}])
async def test_nonsense_asks_nobody(play, curious, given):
    _, is_error = await tool_of(curious()).call(given)
    assert is_error
    assert await asked(play) == []


async def test_a_worker_that_lost_the_workflow_asks_nobody(play, curious):
    ctx = curious()
    stale = replace(ctx, run=replace(ctx.run, epoch=ctx.run.epoch - 1))
    words, is_error = await tool_of(stale).call({"question": "Which zone?"})
    assert is_error
    assert words.startswith("Nobody has answered.")
    assert await asked(play) == []


async def test_only_agents_that_work_have_the_tool_and_only_where_a_project_wants_it(play, curious):
    assert question_tools(play.ctx(), Role.IMPLEMENTOR, round_number=0) == ()
    assert question_tools(curious(), Role.CLASSIFIER, round_number=0) == ()
    play.script(answers())
    await converse(curious(), play.editing)
    (task,) = play.runtime.tasks
    assert [tool.name for tool in task.own_tools] == ["ask_person"]
