from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from adw.agents.scripted import ScriptedReply, answers, fails
from adw.domain.agent import AgentFailure, AgentMessage, AgentResult
from adw.domain.approval import Decision
from adw.domain.events import EventType
from adw.domain.failure import FailureClass
from adw.domain.status import Status, WaitReason
from adw.domain.usage import Usage
from adw.kit.errors import InfrastructureError
from adw.ports.gateway import GatewayVerdict
from adw.store import agent_outputs, approvals, usage
from adw.workflows.conversation import converse
from adw.workflows.endings import LegEnded, PhaseFailed

READ = AgentMessage(kind="tool_use", tool_name="Read", tool_use_id="t1", tool_input={"file_path": "a.py"})
RESULT = AgentMessage(kind="tool_result", tool_use_id="t1", text="content")
OVERLOADED = fails(FailureClass.TRANSIENT, "HTTP 529", retryable=True)
TOO_DEAR = GatewayVerdict(budget_refused=True)


async def outputs(play):
    async with play.database.read() as connection:
        return await agent_outputs.get_agent_outputs(connection, play.workflow.adw_id)


async def failed(play, conversation=None, **ctx):
    with pytest.raises(PhaseFailed) as raised:
        await converse(play.ctx(**ctx), conversation or play.editing)
    return raised.value


async def test_a_conversation_is_held_recorded_told_and_its_answer_given(play):
    play.script(answers({"summary": "s"}, text="Done.", messages=[READ, RESULT]))
    answer = await converse(play.ctx(), play.editing)
    assert answer == {"outcome": "ok", "text": "Done.", "structured": {"summary": "s"}}
    (output,) = await outputs(play)
    assert (output.success, output.session_id, output.model) == (True, "session-1", "model-of-implementor")
    assert (output.agent_name, output.phase, output.attempt, output.round) == ("implementor", "build", 1, 0)
    assert output.snapshot_sha is not None
    kinds = [EventType.AGENT_STARTED, EventType.AGENT_TOOL_USE, EventType.AGENT_TOOL_RESULT, EventType.AGENT_FINISHED]
    told = await play.events(*kinds)
    assert [event.type for event in told] == kinds
    assert [event.message for event in told][:2] == ["implementor started", "Read a.py"]
    (task,) = play.runtime.tasks
    assert (task.prompt, task.resume_session, task.run_id) == ("Do the work.", None, str(output.id))
    assert (task.run_token, play.gateway.revoked) == ("token-1", ["token-1"])
    assert play.workspace.calls[0] == "reset c0"
    assert play.workspace.calls[-1] == "snapshot build.1"


async def test_a_transient_failure_resumes_the_same_conversation_in_the_tree_as_it_is(play):
    play.script(OVERLOADED, OVERLOADED, answers())
    assert (await converse(play.ctx(), play.editing))["outcome"] == "ok"
    first, second, third = play.runtime.tasks
    assert (first.resume_session, second.resume_session, third.resume_session) == (None, "session-1", "session-1")
    assert "M tally/statement.py" in second.prompt
    assert play.workspace.calls.count("reset c0") == 1
    (output,) = await outputs(play)
    assert (output.success, output.retry_count, output.requests, output.turns) == (True, 2, 3, 3)
    assert play.gateway.revoked == ["token-1", "token-2", "token-3"]


async def test_after_the_last_pause_a_transient_failure_is_the_phases(play):
    play.script(OVERLOADED, OVERLOADED, OVERLOADED)
    failure = await failed(play)
    assert failure.failure_class is FailureClass.TRANSIENT
    assert "the implementor did not finish: HTTP 529" in failure.message
    assert play.runtime.is_done


async def test_a_failure_that_cannot_be_mended_by_trying_again_is_not_tried_again(play):
    play.script(fails(FailureClass.AGENT_ERROR, "no structured answer"))
    assert (await failed(play, play.classifying)).failure_class is FailureClass.AGENT_ERROR
    (output,) = await outputs(play)
    assert (output.success, output.failure_class) == (False, "agent_error")


async def test_an_editor_that_owes_only_its_summary_has_done_its_work_and_a_classifier_has_not(play):
    missing = AgentFailure(
        failure_class=FailureClass.AGENT_ERROR, message="no answer", retryable=False, answer_missing=True
    )
    reply = ScriptedReply(result=AgentResult(session_id=None, text="I edited.", usage=Usage(), failure=missing))
    play.script(reply, reply)
    assert (await converse(play.ctx(), play.editing))["structured"] == {}
    assert (await failed(play, play.classifying)).failure_class is FailureClass.AGENT_ERROR


async def test_without_a_transcript_a_transient_failure_starts_over_from_the_commit(play):
    play.script(
        fails(FailureClass.TRANSIENT, "dropped", retryable=True, work=lambda _: play.runtime.forget()), answers()
    )
    await converse(play.ctx(), play.editing)
    assert [task.resume_session for task in play.runtime.tasks] == [None, None]
    assert play.workspace.calls.count("reset c0") == 2


async def test_a_replayed_step_asks_nobody_again(play):
    play.script(answers({"summary": "s"}))
    first = await converse(play.ctx(), play.editing)
    play.replayed()
    assert await converse(play.ctx(), play.editing) == first
    assert len(play.runtime.tasks) == 1


async def test_a_finished_record_answers_for_a_step_that_was_not_recorded(play):
    """The worker died between the end of the agent and the record of the step."""
    play.script(answers({"summary": "s"}, text="Done."))
    first = await converse(play.ctx(), play.editing)
    play.leg.records.clear()
    assert await converse(play.ctx(), play.editing) == first
    assert len(play.runtime.tasks) == 1


async def test_an_interrupted_conversation_goes_on_where_it_was(play):
    play.script(ScriptedReply(messages=[READ], dies=True), answers())
    with pytest.raises(InfrastructureError, match="without a result"):
        await converse(play.ctx(), play.editing)
    assert play.gateway.revoked == ["token-1"]
    play.replayed()
    await converse(play.ctx(), play.editing)
    assert [task.resume_session for task in play.runtime.tasks] == [None, "session-1"]
    assert play.workspace.calls.count("reset c0") == 1
    assert (await play.events(EventType.AGENT_STARTED))[-1].data["resumed"] is True


@pytest.mark.parametrize("failure_class", list(FailureClass))
async def test_a_new_attempt_takes_the_old_session_only_when_that_was_not_to_blame(play, failure_class):
    play.script(fails(failure_class, "no"), answers())
    await failed(play)
    await converse(play.ctx(attempt=2), play.editing)
    resumed = play.runtime.tasks[-1].resume_session
    blameless = {"transient", "usage_limit", "budget_exceeded", "infrastructure"}
    assert (resumed == "session-1") == (failure_class in blameless)
    assert play.workspace.calls.count("reset c0") == (1 if resumed else 2)
    assert [output.attempt for output in await outputs(play)] == [1, 2]


async def test_a_new_attempt_goes_on_with_a_conversation_whose_process_was_lost(play):
    play.script(ScriptedReply(dies=True), answers())
    with pytest.raises(InfrastructureError):
        await converse(play.ctx(), play.editing)
    await converse(play.ctx(attempt=2), play.editing)
    assert play.runtime.tasks[-1].resume_session == "session-1"


async def test_rounds_are_conversations_of_their_own(play):
    play.script(answers(), answers())
    for number in (1, 2):
        await converse(play.ctx(), replace(play.editing, round=number))
    assert [task.resume_session for task in play.runtime.tasks] == [None, None]
    assert [output.round for output in await outputs(play)] == [1, 2]


async def test_a_refusal_for_money_asks_and_waits_and_goes_on_after_a_raise(play):
    async with play.database.begin() as connection:
        await usage.set_budget(connection, play.workflow.adw_id, budget_usd=Decimal(1))
    play.gateway.says = TOO_DEAR
    play.script(fails(FailureClass.AGENT_ERROR, "HTTP 403"))
    with pytest.raises(LegEnded) as ended:
        await converse(play.ctx(), play.editing)
    assert ended.value.question is not None
    now = await play.now()
    assert (now.status, now.wait_reason) == (Status.WAITING, WaitReason.BUDGET)
    async with play.database.read() as connection:
        (approval,) = await approvals.list_approvals(connection, adw_id=play.workflow.adw_id, pending_only=True)
    assert "the budget of $1" in approval.question
    assert approval.data["budgetUsd"] == "1.000000"
    asked = await play.events(EventType.APPROVAL_REQUESTED, EventType.WORKFLOW_WAITING)
    assert [event.type for event in asked] == [EventType.APPROVAL_REQUESTED, EventType.WORKFLOW_WAITING]
    play.gateway.says = GatewayVerdict()
    play.script(answers())
    play.leg.records.clear()  # the next leg
    assert (await converse(play.ctx(), play.editing))["outcome"] == "ok"
    assert play.runtime.tasks[-1].resume_session == "session-1"


async def test_a_denied_question_is_asked_anew_by_the_next_attempt(play):
    play.gateway.says = TOO_DEAR
    for attempt in (1, 2):
        play.script(fails(FailureClass.BUDGET_EXCEEDED, "HTTP 403"))
        async with play.database.begin() as connection:
            await connection.exec_driver_sql("UPDATE adw_workflows SET status = 'active', wait_reason = NULL")
        with pytest.raises(LegEnded):
            await converse(play.ctx(attempt=attempt), play.editing)
        async with play.database.begin() as connection:
            (pending,) = await approvals.list_approvals(connection, pending_only=True)
            await approvals.decide(
                connection, approval_id=pending.id, decision=Decision.DENIED, decided_by="ann", reason=None
            )


async def test_a_model_without_a_price_is_a_setting_to_correct(play):
    play.gateway.says = GatewayVerdict(unpriced_model="new-model")
    play.script(fails(FailureClass.TRANSIENT, "HTTP 403", retryable=True))
    failure = await failed(play)
    assert failure.failure_class is FailureClass.CONFIGURATION
    assert "new-model" in failure.message
    assert "[agents.prices]" in failure.message
    assert play.runtime.is_done


async def test_a_tree_that_holds_a_secret_is_not_saved_elsewhere(play):
    play.workspace.changes = "diff --git a/x b/x\n+++ b/x\n@@ -0,0 +1 @@\n+ghp_" + "a" * 36
    play.script(answers(messages=[READ, RESULT]))
    await converse(play.ctx(), play.editing)
    assert [call for call in play.workspace.calls if call.startswith("snapshot")] == []


async def test_agents_that_only_answer_have_no_tree(play):
    play.script(answers({"issue_class": "bug"}))
    assert (await converse(play.ctx(), play.classifying))["structured"] == {"issue_class": "bug"}
    assert play.workspace.calls == []
    assert play.runtime.tasks[0].schema == {"type": "object"}
