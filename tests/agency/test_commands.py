"""Commanding free agents: memory, tools that are limited for good, money, interruptions, workers that die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.agency.conftest import Office, calls, change, expire_lease, rule, says, take
from tests.conftest import Eventually

from adw.domain.agent import AgentFailure, AgentMessage, AgentResult, AgentTask
from adw.domain.failure import FailureClass
from adw.domain.free_agent import MOST_WAITING, AgentStatus, CommandState
from adw.domain.usage import Usage
from adw.kit.errors import ConflictError, NotFoundError, UsageError
from adw.ports.agents import AgentRuntime
from adw.store import free_agent_work
from adw.store.chat_turns import spent_this_month
from adw.store.free_agent_work import LostAgentError
from adw.store.orchestrators import get_orchestrator_by_id
from adw.worker.agency import AgentSource
from adw.worker.holding import Holder


class Crashing:
    """A runtime whose agents crash so many times before they work."""

    name = "crashing"

    def __init__(self, other: AgentRuntime, *, times: int) -> None:
        self._other = other
        self.times = times

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:
        return await self._other.can_resume(adw_id=adw_id, session_id=session_id)

    async def run(self, task: AgentTask) -> AsyncGenerator[AgentMessage | AgentResult, None]:
        self.times -= 1
        if self.times >= 0:
            failure = AgentFailure(failure_class=FailureClass.INFRASTRUCTURE, message="It crashed.", retryable=True)
            yield AgentResult(session_id=None, usage=Usage(), failure=failure)
            return
        async for item in self._other.run(task):
            yield item


async def test_an_agent_is_made_commanded_and_answers(office: Office):
    office.follow(
        rule("recall", says("You told me 7."), prompt="which", any_text="the number is 7"),
        rule("begin", says("I keep it in mind."), prompt="the number is 7"),
    )
    agent = await office.create()
    assert (agent.status, agent.tools[:1]) == (AgentStatus.IDLE, ("Read",))
    assert await office.ask("the number is 7") == "I keep it in mind."
    assert await office.ask("which number was it?") == "You told me 7."
    now = await office.agent()
    assert (now.status, now.total_cost > 0, now.output_tokens > 0) == (AgentStatus.IDLE, True, True)
    assert [entry.kind for entry in await office.log()] == ["command", "answer"] * 2


async def test_what_it_says_on_the_way_is_in_its_log_and_a_lost_conversation_begins_anew(office: Office):
    thinks = {
        "blocks": [{"thinking": "Hm."}, {"text": "I look."}, {"tool": {"name": "Glob", "input": {"pattern": "*"}}}]
    }
    office.follow(rule("any", thinks, says("Nothing is here.")))
    await office.create()
    assert await office.ask("what is here?") == "Nothing is here."
    log = await office.log()
    assert [entry.kind for entry in log] == ["command", "thinking", "text", "tool_use", "tool_result", "answer"]
    assert [entry.seq for entry in log] == sorted(entry.seq for entry in log)
    assert (log[3].summary, log[3].metadata["input"]) == ("Glob *", {"pattern": "*"})
    await change(office, "DELETE FROM agent_session_entries")
    assert await office.ask("what is here?") == "Nothing is here."
    assert any("is forgotten" in entry.body for entry in await office.log() if entry.kind == "notice")


async def test_what_a_template_does_not_allow_is_refused_at_every_command(office: Office, repository: Path):
    tries = calls("Bash", command="echo x > wall.txt")
    office.follow(rule("any", tries, calls("Write", file_path="wall.txt", content="x"), says("I may not.")))
    await office.create(repository=repository, template="researcher")
    for _ in range(2):
        assert await office.ask("paint the wall") == "I may not."
    results = [entry for entry in await office.log() if entry.kind == "tool_result"]
    assert len(results) == 4
    assert all(entry.metadata["isError"] and entry.summary.startswith("failed: ") for entry in results)
    place = Path((await office.agent()).place or "")
    assert (place / "wall.txt").read_text() == "white\n"
    with pytest.raises(UsageError, match="no Bash in the template researcher"):
        await office.create("other", template="researcher", tools=("Read", "Bash"))
    assert (await office.create("narrow", template="builder", tools=("Bash(ls:*)",))).tools == ("Bash(ls:*)",)


async def test_a_command_of_a_dead_worker_is_taken_up_and_ended_once(office: Office, eventually: Eventually):
    office.follow(
        rule("gone on", says("Done."), prompt="You were interrupted while"),
        rule("begun", calls("Write", file_path="a", content="a"), says("late", fault="hang")),
    )
    await office.create()
    given = await office.tell("write a")
    work = await take(office)
    dying = asyncio.create_task(office.agents.carry_out(work))

    async def has_written() -> bool:
        return any(entry.kind == "tool_result" for entry in await office.log())

    await eventually(has_written)
    dying.cancel()
    await asyncio.wait({dying})
    assert not await office.holder.hold_one(), "its lease still holds"
    await expire_lease(office)
    assert await office.holder.hold_one()
    ended = await office.command(given.id)
    assert (ended.state, ended.answer, ended.attempt) == (CommandState.DONE, "Done.", 2)
    with pytest.raises(LostAgentError):
        await office.agents.stopped(work)
    assert [entry.body for entry in await office.log() if entry.kind == "answer"] == ["Done."]


async def test_a_command_that_kills_every_worker_is_given_up(office: Office):
    await office.create()
    given = await office.tell("be the end of me")
    for _ in range(3):
        await take(office)
        await expire_lease(office)
    assert await office.holder.hold_one()
    ended = await office.command(given.id)
    assert (ended.state, office.requests) == (CommandState.FAILED, 0)
    assert "Given up" in (ended.answer or "")
    assert (await office.agent()).status is AgentStatus.FAILED


async def test_a_failure_that_may_pass_is_tried_again_a_little_later(office: Office):
    office.follow(rule("any", says("Yes.")))
    await office.create()
    given = await office.tell("are you there?")
    crashing = Crashing(office.agents.runtime, times=1)
    agents = replace(office.agents, runtime=crashing)
    holder = Holder(AgentSource(database=office.database, agents=agents, worker_id="w1"))
    assert await holder.hold_one()
    assert not await holder.hold_one(), "it rests for a while"
    await expire_lease(office)
    assert await holder.hold_one()
    ended = await office.command(given.id)
    assert (ended.state, ended.answer, ended.attempt) == (CommandState.DONE, "Yes.", 2)
    assert [entry.body for entry in await office.log() if entry.kind == "notice"] == ["It crashed. It is tried again."]
    crashing.times = 9
    given = await office.tell("and now?")
    for _ in range(3):
        assert await holder.hold_one()
        await expire_lease(office)
    ended = await office.command(given.id)
    assert (ended.state, ended.answer) == (CommandState.FAILED, "It crashed.")


async def test_a_worker_that_stops_in_order_hands_its_command_on_without_counting_it(
    office: Office, eventually: Eventually
):
    office.follow(rule("any", says("late", fault="hang"), prompt="slow"))
    await office.create()
    given = await office.tell("slow")
    stopping = asyncio.create_task(office.holder.hold_one())
    await eventually(lambda: office.requests)
    stopping.cancel()
    await asyncio.wait({stopping})
    work = await take(office)
    assert work.command is not None
    assert (work.command.id, work.command.attempt) == (given.id, 1)


async def test_one_command_at_a_time_is_carried_out_in_order(office: Office):
    office.follow(rule("any", says("Yes.")))
    await office.create()
    given = [await office.tell(f"number {number}") for number in range(3)]
    source = AgentSource(database=office.database, agents=office.agents, worker_id="w2")
    others: list[Holder[Any]] = [Holder(source) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(each.hold_one() for each in others))
    assert [(await office.command(each.id)).state for each in given] == [CommandState.DONE] * 3
    answers = [entry.command_id for entry in await office.log() if entry.kind == "answer"]
    assert answers == [each.id for each in given]


async def test_interrupting_ends_what_runs_and_takes_back_what_waits(office: Office, eventually: Eventually):
    office.follow(rule("slow", says("never", fault="hang"), prompt="slow"), rule("any", says("Yes.")))
    await office.create()
    first, second = await office.tell("slow"), await office.tell("and then")
    holding = asyncio.create_task(office.holder.hold_one())
    await eventually(lambda: office.requests)
    _, stopped = await office.agency.interrupt(office.orchestrator.id, "helper", actor="Ada")
    office.holder.wake()
    async with asyncio.timeout(5):
        assert await holding
    assert stopped == [first.id, second.id]
    assert [(await office.command(each)).state for each in stopped] == [CommandState.INTERRUPTED] * 2
    assert (await office.agent()).status is AgentStatus.INTERRUPTED
    assert await office.inbox() == [], "whoever stopped it knows"
    assert not await office.holder.hold_one()
    assert (await office.agency.interrupt(office.orchestrator.id, "helper", actor="Ada"))[1] == []
    assert await office.ask("and now?") == "Yes."


async def test_without_money_nothing_is_asked_be_it_its_own_or_its_orchestrator_s(office: Office):
    office.follow(rule("any", says("Yes.")))
    await office.create(budget_usd=Decimal("0.000001"))
    assert "is used up" in await office.ask("hello?")
    await change(office, "UPDATE free_agents SET budget_usd = 0")
    assert "The agent's budget" in await office.ask("hello?")
    await change(office, "UPDATE free_agents SET budget_usd = 5")
    await change(office, "UPDATE orchestrator_agents SET budget_usd = 0")
    assert "The orchestrator's budget" in await office.ask("hello?")
    await change(office, "UPDATE orchestrator_agents SET budget_usd = 0.000001")
    assert "is used up" in await office.ask("hello?"), "the gateway refuses what the conversation's month has not left"
    assert all(entry.status != 200 for entry in office.model.journal.entries)


async def test_what_it_costs_counts_for_itself_and_for_its_orchestrator(office: Office):
    office.follow(rule("any", says("Yes.")))
    await office.create()
    await office.ask("hello?")
    cost = (await office.agent()).total_cost
    async with office.database.read() as connection:
        whole = await get_orchestrator_by_id(connection, office.orchestrator.id)
        month = await spent_this_month(connection, office.orchestrator.id)
    assert whole is not None
    assert cost == whole.total_cost == month > 0


async def test_an_ended_command_becomes_an_item_of_the_inbox_unless_nothing_is_to_wake_it(office: Office):
    office.follow(rule("any", says("It is\nblue.")))
    await office.create()
    given = await office.tell("which colour?")
    await office.holder.hold_one()
    (item,) = await office.inbox()
    assert (item.kind, item.adw_id, item.body) == ("event", "agent helper", f"command {given.id} is done: It is blue.")
    await change(office, "UPDATE orchestrator_agents SET wake = false")
    await office.ask("and now?")
    assert len(await office.inbox()) == 1


async def test_names_are_unique_among_the_living_and_the_line_is_not_endless(office: Office):
    await office.create()
    with pytest.raises(ConflictError, match="already"):
        await office.create()
    for number in range(MOST_WAITING):
        await office.tell(f"number {number}")
    with pytest.raises(ConflictError, match="wait for helper already"):
        await office.tell("one more")
    with pytest.raises(NotFoundError):
        await office.tell("hello", "nobody")
    with pytest.raises(UsageError, match="cannot name an agent"):
        await office.create("No Name")
    with pytest.raises(UsageError, match="template or a prompt"):
        await office.create("silent", system_prompt=" ")


async def test_nothing_is_written_by_a_worker_that_lost_the_agent(office: Office):
    await office.create()
    await office.tell("hello")
    lost = await take(office)
    await expire_lease(office)
    await take(office, owner="second")
    with pytest.raises(LostAgentError):
        async with office.database.begin() as connection:
            await free_agent_work.note_work(connection, lost, kind="text", body="late")
    with pytest.raises(LostAgentError):
        async with office.database.begin() as connection:
            await free_agent_work.end_work(connection, lost, state=CommandState.DONE, answer="late")
    assert [entry.kind for entry in await office.log()] == ["command"]
