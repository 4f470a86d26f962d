from __future__ import annotations

from contextlib import aclosing

import pytest

from adw.agents.scripted import ScriptedReply, ScriptedRuntime, answers, fails
from adw.domain.agent import AgentMessage, AgentResult
from adw.domain.failure import FailureClass
from adw.ports.agents import AgentRuntime

HELLO = AgentMessage(kind="text", text="Hello")


async def heard(runtime: AgentRuntime, task):
    return [item async for item in runtime.run(task)]


async def test_it_says_what_it_was_told_and_ends_with_a_result(task_for):
    seen = []
    runtime = ScriptedRuntime(answers({"a": 1}, messages=[HELLO], work=lambda task: seen.append(task.prompt)))
    started, said, result = await heard(runtime, task_for(prompt="Do it"))
    assert (started.kind, started.session_id) == ("started", "session-1")
    assert said == HELLO
    assert isinstance(result, AgentResult)
    assert (result.session_id, result.structured, result.failure) == ("session-1", {"a": 1}, None)
    assert seen == [runtime.tasks[0].prompt] == ["Do it"]
    assert runtime.is_done
    assert runtime.closed_early == 0


async def test_a_failure_is_a_result(task_for):
    runtime = ScriptedRuntime(fails(FailureClass.TRANSIENT, "HTTP 529", retryable=True))
    result = (await heard(runtime, task_for()))[-1]
    assert result.failure.failure_class is FailureClass.TRANSIENT
    assert result.failure.retryable


async def test_sessions_can_be_resumed_until_they_are_forgotten(task_for):
    runtime = ScriptedRuntime(answers(), answers(), answers())
    await heard(runtime, task_for())
    assert await runtime.can_resume(adw_id="0a1b2c3d", session_id="session-1")
    resumed = await heard(runtime, task_for(resume_session="session-1"))
    assert {item.session_id for item in resumed} == {"session-1"}
    assert (await heard(runtime, task_for()))[0].session_id == "session-3"
    runtime.forget()
    assert not await runtime.can_resume(adw_id="0a1b2c3d", session_id="session-1")


async def test_one_that_dies_gives_no_result(task_for):
    assert [item.kind for item in await heard(ScriptedRuntime(ScriptedReply(dies=True)), task_for())] == ["started"]


async def test_a_consumer_that_goes_away_is_noticed(task_for):
    runtime = ScriptedRuntime(answers(messages=[HELLO]))
    async with aclosing(runtime.run(task_for())) as said:
        await anext(said)
    assert runtime.closed_early == 1


async def test_asking_too_often_is_told(task_for):
    with pytest.raises(IndexError):
        await heard(ScriptedRuntime(), task_for())
