"""Agents commanded in conversation: made, told something, looked at, heard of again when their command has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.chat.conftest import Talk, calls, rule, says

from adw.chat.tools import Caller, Doors, ToolAnswer, call_tool, tools_for
from adw.domain.free_agent import CommandState
from adw.store import free_agents
from adw.store.audit import list_deeds
from adw.store.free_agent_work import AgentWork, end_work, note_work, take_work
from adw.store.orchestrators import get_or_create_orchestrator


@pytest.fixture
async def use(doors: Doors):
    async with doors.database.begin() as connection:
        mine = await get_or_create_orchestrator(connection, "/srv/a")
    ada = Caller(actor="chat:ada", source="chat", turn="t1", orchestrator_id=mine.id)

    async def call(name: str, /, caller: Caller = ada, **given: Any) -> ToolAnswer:
        return await call_tool(doors, caller, name, given)

    return call


async def carried_out(doors: Doors, *, answer: str) -> AgentWork:
    """As a worker would."""
    async with doors.database.begin() as connection:
        work = await take_work(connection, owner="w", host="here")
    assert work is not None
    async with doors.database.begin() as connection:
        about = {"input": {"file_path": "wall.txt"}}
        await note_work(connection, work, kind="tool_use", body="Read wall.txt", metadata=about)
        await end_work(connection, work, state=CommandState.DONE, answer=answer)
    return work


async def test_an_agent_is_made_commanded_looked_at_and_deleted_by_tools(use, doors: Doors, repository: Path):
    assert (await use("list_agents")).text == "there is no such agent"
    made = await use("create_agent", name="date-checker", template="researcher", project=str(repository), budget_usd=1)
    assert made.text.startswith("made date-checker (")
    again = await use("create_agent", name="date-checker", template="researcher", project=str(repository), budget_usd=1)
    assert again == made, "a call that is repeated in its turn makes nothing new"
    other = await use("create_agent", name="date-checker", system_prompt="You check.")
    assert (other.is_error, "there is an agent date-checker already" in other.text) == (True, True)
    told = await use("command_agent", agent_name="date-checker", command="Look at the dates")
    assert told.text == "command 1 of date-checker is queued; you will be told when it has ended"
    await carried_out(doors, answer="All dates\nare right.")
    shown = (await use("check_agent_status", agent_name="date-checker", tail_count=2)).text
    assert "last_answer: All dates\nare right." in shown
    assert [line.split(" ", 2)[2] for line in shown.splitlines()[-2:]] == [
        "tool_use: Read wall.txt",
        "answer: All dates",
    ]
    whole = (await use("check_agent_status", agent_name="date-checker", offset=1, verbose_logs=True)).text
    assert "input: {'file_path': 'wall.txt'}" in whole
    assert "are right" not in whole.partition("log (")[2]
    assert (await use("interrupt_agent", agent_name="date-checker")).text == "date-checker was doing nothing"
    assert "refs/adw/agents/date-checker/" in (await use("delete_agent", agent_name="date-checker")).text
    assert (await use("command_agent", agent_name="date-checker", command="And now?")).is_error
    assert "deleted" in (await use("list_agents", deleted=True)).text


async def test_templates_are_listed_and_the_tools_they_lack_are_not_to_be_had(use):
    listed = (await use("list_templates")).text
    assert [line.split(" ")[0] for line in listed.splitlines()] == ["builder", "researcher", "reviewer"]
    assert (await use("list_templates", project="nothing")).is_error
    refused = await use("create_agent", name="a", template="reviewer", tools=["Bash"])
    assert "there is no Bash in the template reviewer" in refused.text


def test_turns_that_no_person_began_can_look_at_agents_and_stop_them_but_give_no_orders():
    unasked = {tool.name for tool in tools_for(unasked=True)}
    assert {"list_agents", "check_agent_status", "interrupt_agent"} <= unasked
    assert not {"create_agent", "command_agent", "delete_agent"} & unasked


async def test_the_conversation_is_woken_when_a_command_has_ended(talk: Talk, doors: Doors):
    talk.follow(
        rule("woken", says("The helper is done."), prompt=r"agent helper: command \d+ is done: It is blue\."),
        rule(
            "ask",
            calls("create_agent", name="helper", system_prompt="You help."),
            calls("command_agent", agent_name="helper", command="Which colour?"),
            says("It looks."),
            prompt="colour",
        ),
    )
    assert await talk.ask("which colour is the wall?") == "It looks."
    work = await carried_out(doors, answer="It is blue.")
    assert work.command is not None
    assert (work.command.author, work.command.body) == (f"chat:{str(talk.id)[:8]}", "Which colour?")
    assert await talk.chatter.answer_one()
    assert (await talk.said("answer"))[-1] == "The helper is done."
    async with talk.database.read() as connection:
        deeds = await list_deeds(connection, who=work.command.author)
        assert [(each.route, each.target) for each in reversed(deeds)] == [
            ("create_agent", "helper"),
            ("command_agent", "helper"),
        ]
        assert [each.orchestrator_agent_id for each in await free_agents.list_agents(connection)] == [talk.id]
