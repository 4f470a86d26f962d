from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from adw.domain.agent import AgentMessage
from adw.domain.events import EventType
from adw.store.deltas import DELTA_CHANNEL, Delta, Writer, read_delta
from adw.store.events import FencedError
from adw.store.listen import hear
from adw.store.workflows import fence_off
from adw.workflows import narration
from adw.workflows.narration import Narrator


def text(words):
    return AgentMessage(kind="text", text=words)


def tool(name="Read", **tool_input):
    return AgentMessage(kind="tool_use", tool_name=name, tool_use_id="t1", tool_input=tool_input)


@pytest.fixture
def narrator(play):
    return Narrator(
        play.database,
        adw_id=play.workflow.adw_id,
        phase="build",
        role="implementor",
        epoch=play.run.epoch,
        cwd=Path("/srv/trees/0a1b2c3d"),
    )


async def told(play):
    kinds = ("agent_", "phase_progress")
    return [event for event in await play.events() if event.type.startswith(kinds)]


async def messages(play):
    return [event.message for event in await told(play)]


async def test_everything_is_told_in_order(play, narrator):
    async with narrator:
        for number in range(5):
            await narrator.say(text(f"t{number}"))
            await narrator.say(AgentMessage(kind="thinking", text=f"h{number}"))
        await narrator.say(tool(file_path="/srv/trees/0a1b2c3d/tally/statement.py"))
        await narrator.say(AgentMessage(kind="tool_result", text="content", is_error=True))
        await narrator.say(AgentMessage(kind="retry", text="HTTP 529"))
    events = await told(play)
    assert [event.message for event in events] == [
        *(f"{kind}{number}" for number in range(5) for kind in "th"),
        "Read tally/statement.py",
        "content",
        "HTTP 529",
    ]
    assert [event.type for event in events[-3:]] == [
        EventType.AGENT_TOOL_USE,
        EventType.AGENT_TOOL_RESULT,
        EventType.PHASE_PROGRESS,
    ]
    assert events[-3].data["input"] == {"file_path": "/srv/trees/0a1b2c3d/tally/statement.py"}
    assert (events[-3].data["tool"], events[-3].data["role"], events[-2].data["isError"]) == (
        "Read",
        "implementor",
        True,
    )
    assert all(event.phase == "build" for event in events)


async def test_tool_calls_are_written_at_once_with_all_that_came_before(play, narrator, monkeypatch):
    monkeypatch.setattr(narration, "FLUSH_AFTER_S", 3600)
    async with narrator:
        await narrator.say(text("first"))
        assert await messages(play) == []
        await narrator.say(tool("Bash", command="python -m pytest -q"))
        assert await messages(play) == ["first", "Bash python -m pytest -q"]


async def test_words_wait_for_company_and_are_then_written_together(play, narrator, eventually, monkeypatch):
    monkeypatch.setattr(narration, "FLUSH_AFTER_S", 0.02)
    async with narrator:
        for number in range(20):
            await narrator.say(text(str(number)))
        await eventually(lambda: messages(play))
        assert await messages(play) == [str(number) for number in range(20)]


async def test_what_is_not_worth_an_event_is_dropped(play, narrator):
    async with narrator:
        await narrator.say(AgentMessage(kind="started", session_id="s"))
        await narrator.say(AgentMessage(kind="delta", text="He"))
    assert await told(play) == []


async def test_long_words_are_cut_and_say_by_how_much(play, narrator):
    async with narrator:
        await narrator.say(AgentMessage(kind="tool_result", text="x" * 20_000))
        await narrator.say(tool("Write", file_path="a", content="y" * 20_000, parts=["z" * 20_000], n=1))
    result, use = await told(play)
    assert result.message.endswith("… (4000 more characters)")
    assert len(use.data["input"]["content"]) < 16_100
    assert len(use.data["input"]["parts"][0]) < 16_100
    assert (use.message, use.data["input"]["n"]) == ("Write a", 1)


async def fence(play):
    async with play.database.begin() as connection:
        await fence_off(connection, play.workflow.adw_id)


async def test_a_worker_that_lost_the_workflow_can_tell_nothing_more(play, narrator):
    await fence(play)
    with pytest.raises(FencedError):
        await narrator.say(tool(file_path="a"))
    with suppress(FencedError):
        await narrator.flush()
    assert await told(play) == []


async def test_a_loss_noticed_by_the_timer_meets_the_next_message(play, narrator, eventually, monkeypatch):
    monkeypatch.setattr(narration, "FLUSH_AFTER_S", 0.0)
    await fence(play)
    await narrator.say(text("lost"))
    await eventually(lambda: narrator._problem)
    with pytest.raises(FencedError):
        await narrator.say(text("more"))


async def test_nothing_is_lost_or_told_twice_when_the_end_meets_a_timer_that_is_writing(
    play, narrator, eventually, monkeypatch
):
    monkeypatch.setattr(narration, "FLUSH_AFTER_S", 0.0)
    async with narrator:
        await narrator.say(text("last words"))
        await eventually(lambda: narrator._writing.locked() or not narrator._pending)
    assert await messages(play) == ["last words"]


async def test_what_could_not_be_written_is_written_by_the_next_try(play, narrator, monkeypatch):
    real = narration.append_events
    refusals = iter([OSError("gone")])

    async def flaky(*args, **options):
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        return await real(*args, **options)

    monkeypatch.setattr(narration, "append_events", flaky)
    async with narrator:
        with pytest.raises(OSError, match="gone"):
            await narrator.say(tool(file_path="a"))
        await narrator.say(text("b"))
    assert await messages(play) == ["Read a", "b"]


async def test_a_narrator_left_by_an_error_leaves_no_timer_behind(play, narrator):
    before = asyncio.all_tasks()
    with suppress(RuntimeError):
        async with narrator:
            await narrator.say(text("a"))
            raise RuntimeError
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()


async def test_what_is_being_written_is_announced_until_it_has_been_written(play, narrator, eventually):
    heard: list[str] = []
    listening = asyncio.Event()
    ear = asyncio.create_task(
        hear(play.database, [DELTA_CHANNEL], lambda _, payload: heard.append(payload), anew=listening.set)
    )
    await listening.wait()
    async with narrator:
        await narrator.say(AgentMessage(kind="delta", text="The whole"))
        await narrator.say(text("The whole"))
        for piece in ("Now ", "", "the total"):
            await narrator.say(AgentMessage(kind="delta", text=piece))
        await eventually(lambda: heard)
    ear.cancel()
    with suppress(asyncio.CancelledError):
        await ear
    assert [read_delta(payload) for payload in heard] == [
        Delta(writer=Writer(adw_id=play.workflow.adw_id, phase="build", role="implementor"), text="Now the total")
    ]
    assert await messages(play) == ["The whole"]
