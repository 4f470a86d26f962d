"""Commanding free agents: memory, tools that are limited for good, money, interruptions, workers that die."""

from __future__ import annotations

from pathlib import Path

from tests.agency.conftest import Office, calls, rule, says

from adw.domain.free_agent import AgentStatus


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


async def test_its_files_begin_at_the_base_commit_and_are_its_own_and_stay(office: Office, repository: Path):
    office.follow(
        rule("paint", calls("Write", file_path="wall.txt", content="blue\n"), says("Blue."), prompt="blue"),
        rule("look", calls("Read", file_path="wall.txt"), says("It is blue."), prompt="colour"),
    )
    await office.create(repository=repository, template="painter")
    assert await office.ask("make it blue") == "Blue."
    assert await office.ask("which colour?") == "It is blue."
    place = Path((await office.agent()).place or "")
    assert (place / "wall.txt").read_text() == "blue\n"
    assert (repository / "wall.txt").read_text() == "white\n"
    used = [entry for entry in await office.log() if entry.kind in {"tool_use", "tool_result"}]
    assert [entry.summary for entry in used][:1] == ["Write wall.txt"]
    assert "blue" in used[-1].body
