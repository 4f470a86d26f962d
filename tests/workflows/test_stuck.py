from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adw.agents.scripted import ScriptedReply, ScriptedRuntime, answers
from adw.domain.agent import AgentFailure, AgentMessage, AgentResult
from adw.domain.config import parse_config
from adw.domain.events import EventType
from adw.domain.failure import FailureClass
from adw.domain.limits import Limit, LimitKind
from adw.domain.usage import Usage
from adw.kit.errors import InfrastructureError
from adw.ports.gateway import GatewayVerdict
from adw.store import agent_outputs
from adw.workflows.conversation import converse
from adw.workflows.endings import LegEnded, PhaseFailed

LOOP = [
    message
    for number in range(9)
    for message in (
        AgentMessage(kind="tool_use", tool_name="Bash", tool_use_id=f"t{number}", tool_input={"command": "sh check"}),
        AgentMessage(kind="tool_result", tool_use_id=f"t{number}", text="it failed", is_error=True),
    )
]
LOOPS = ScriptedReply(messages=LOOP)
FACT = "it has made the same call 5 times in a row, with the same result each time: Bash sh check"


def silent(session_id: str | None = None) -> ScriptedReply:
    failure = AgentFailure(failure_class=FailureClass.AGENT_ERROR, message="Nothing was heard", retryable=True)
    return ScriptedReply(result=AgentResult(session_id=session_id, usage=Usage(), stop_reason="idle", failure=failure))


def configured(play, text):
    play.run = replace(play.run, config=parse_config(text, source="adw.toml"))


async def told(play):
    return [(event.data["kind"], event.data["action"]) for event in await play.events(EventType.AGENT_STUCK)]


async def test_an_agent_in_a_loop_is_told_so_and_may_go_on(play):
    play.script(LOOPS, answers({"summary": "s"}))
    answer = await converse(play.ctx(), play.editing)
    assert answer["structured"] == {"summary": "s"}
    assert play.runtime.closed_early == 1
    first, second = play.runtime.tasks
    assert (first.resume_session, second.resume_session) == (None, "session-1")
    assert FACT in second.prompt
    assert "M tally/statement.py" in second.prompt
    assert "was interrupted" not in second.prompt
    assert await told(play) == [("repetition", "nudge")]
    results = await play.events(EventType.AGENT_TOOL_RESULT)
    assert len(results) == 5
    assert play.gateway.revoked == ["token-1", "token-2"]


async def test_one_that_does_not_heed_it_is_replaced_then_given_up_and_not_tried_again(play):
    play.script(LOOPS, LOOPS, LOOPS)
    with pytest.raises(PhaseFailed) as raised:
        await converse(play.ctx(), play.editing)
    failure = raised.value.failure("build")
    assert (failure.failure_class, failure.final) == (FailureClass.AGENT_ERROR, True)
    assert failure.message == f"the implementor is stuck: {FACT} (before that: nudged 1x, begun anew 1x)"
    assert await told(play) == [("repetition", "nudge"), ("repetition", "restart"), ("repetition", "stop")]
    *_, third = play.runtime.tasks
    assert third.resume_session is None
    assert third.prompt.startswith("Do the work.")
    assert FACT in third.prompt
    assert play.workspace.calls.count("reset c0") == 2


async def test_silence_leaves_the_tree_to_the_conversation_that_follows(play):
    configured(play, "[stuck.silence]\nnudges = 0\n")
    play.script(silent(), answers())
    await converse(play.ctx(), play.editing)
    assert await told(play) == [("silence", "restart")]
    assert play.runtime.tasks[-1].resume_session is None
    assert "M tally/statement.py" in play.runtime.tasks[-1].prompt
    assert "nothing was heard from it for 600 s" in play.runtime.tasks[-1].prompt
    assert play.workspace.calls.count("reset c0") == 1


async def test_a_conversation_of_which_nothing_is_kept_is_begun_anew_instead_of_nudged(play):
    play.script(replace(silent(), work=lambda _: play.runtime.forget()), answers())
    await converse(play.ctx(), play.editing)
    assert await told(play) == [("silence", "restart")]


async def test_silence_because_of_a_limit_is_not_being_stuck(play):
    soon = datetime.now(UTC) + timedelta(hours=1)
    limit = Limit(credential="c", kind=LimitKind.USAGE_LIMIT, resets_at=soon)
    play.gateway.says = GatewayVerdict(limit=limit)
    play.script(silent())
    with pytest.raises(LegEnded):
        await converse(play.ctx(), play.editing)
    assert await told(play) == []


class Stalling(ScriptedRuntime):
    """Says no more after the first piece of an answer."""

    async def run(self, task):
        async for item in super().run(task):
            yield item
            if isinstance(item, AgentMessage) and item.kind == "delta":
                await asyncio.Event().wait()


async def test_an_answer_that_stops_in_the_middle_is_broken_off(play):
    configured(play, "[stuck]\nstream_s = 0.05\n")
    runtime = Stalling(ScriptedReply(messages=[AgentMessage(kind="delta", text="I be")]), answers())
    play.run = replace(play.run, services=replace(play.run.services, runtime=runtime))
    await converse(play.ctx(), play.editing)
    assert await told(play) == [("stream", "nudge")]
    assert runtime.tasks[-1].resume_session == "session-1"
    assert "wrote no more of it for 0.05 s" in runtime.tasks[-1].prompt


@pytest.mark.parametrize("reached", ["nudge", "restart"])
async def test_a_worker_that_dies_after_the_record_does_what_the_record_says(play, reached):
    dies = ScriptedReply(dies=True)
    play.script(*([LOOPS] if reached == "nudge" else [LOOPS, LOOPS]), dies)
    with pytest.raises(InfrastructureError):
        await converse(play.ctx(), play.editing)
    play.replayed()
    play.script(LOOPS, *([LOOPS] if reached == "nudge" else []))
    with pytest.raises(PhaseFailed, match="is stuck"):
        await converse(play.ctx(), play.editing)
    assert [action for _, action in await told(play)] == ["nudge", "restart", "stop"]


async def test_a_worker_that_dies_before_its_step_is_recorded_does_not_begin_what_was_given_up(play):
    configured(play, "[stuck.repetition]\nnudges = 0\nrestarts = 0\n")
    play.script(LOOPS)
    for _ in range(2):
        with pytest.raises(PhaseFailed, match="is stuck: it has made the same call"):
            await converse(play.ctx(), play.editing)
        play.leg.records.clear()
    assert len(play.runtime.tasks) == 1
    assert await told(play) == [("repetition", "stop")]


async def test_what_replaced_one_of_a_later_attempt_owes_nothing_to_the_attempt_before(play):
    transient = AgentFailure(failure_class=FailureClass.TRANSIENT, message="529", retryable=False)
    lost = ScriptedReply(result=AgentResult(session_id=None, usage=Usage(), failure=transient))
    configured(play, "[stuck.repetition]\nnudges = 0\n")
    play.script(lost, LOOPS, ScriptedReply(dies=True))
    with pytest.raises(PhaseFailed):
        await converse(play.ctx(), play.editing)
    with pytest.raises(InfrastructureError):
        await converse(play.ctx(attempt=2), play.editing)
    async with play.database.begin() as connection:
        output = (await agent_outputs.get_agent_outputs(connection, play.workflow.adw_id))[-1]
        await agent_outputs.forget_session(connection, output_id=output.id)
    play.replayed()
    play.script(answers())
    await converse(play.ctx(attempt=2), play.editing)
    assert [task.resume_session for task in play.runtime.tasks] == [None, "session-1", None, None]
