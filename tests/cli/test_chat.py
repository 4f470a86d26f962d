"""`adw chat`, spoken to by a program: what it prints where, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator

import pytest
import typer
from tests.api.conftest import template
from tests.client.conftest import Live, live, sync_client

from adw.cli.chatting import Talk, converse, print_step
from adw.cli.commands import chat as command
from adw.client import AdwClient
from adw.kit.errors import UsageError
from adw.store.chat import write_entry
from adw.store.chat_turns import end_turn, keep_turn, note, take_turn

__all__ = ["live", "sync_client", "template"]


@pytest.fixture
async def answering(live: Live) -> AsyncIterator[dict[str, str]]:
    """A worker that looks once and says what it is told to say."""
    says = {"state": "answered", "answer": "Nothing runs."}

    async def work() -> None:
        while True:
            async with live.stage.database.begin() as connection:
                turn = await take_turn(connection, owner="w")
            if turn is None:
                await asyncio.sleep(0.02)
                continue
            async with live.stage.database.begin() as connection:
                await note(
                    connection,
                    turn,
                    kind="tool_use",
                    message="mcp__adw__list_workflows",
                    metadata={"input": {"limit": 5}},
                )
                await note(connection, turn, kind="tool_result", message="there is no such workflow")
                await note(connection, turn, kind="thinking", message="Hm.")
                await note(connection, turn, kind="text", message="I looked.")
                await end_turn(connection, turn, **says)

    worker = asyncio.create_task(work())
    yield says
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def test_one_question_prints_the_answer_and_tells_the_way_to_it_beside(answering, sync_client: AdwClient, capsys):
    await asyncio.to_thread(command._once, sync_client, "what runs?", as_json=False)
    printed = capsys.readouterr()
    assert printed.out == "Nothing runs.\n"
    assert printed.err.splitlines() == [
        "  list_workflows(limit=5)",
        "    there is no such workflow",
        "  (Hm.)",
        "  I looked.",
    ]
    await asyncio.to_thread(command._once, sync_client, "what runs?", as_json=True)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["message"] == "Nothing runs."
    assert printed.err == ""
    await asyncio.to_thread(command._print_history, sync_client, as_json=False)
    assert capsys.readouterr().out.splitlines()[:2] == ["pat: what runs?", "orchestrator: Nothing runs."]
    await asyncio.to_thread(lambda: command._print_metrics(sync_client.chat_metrics(), as_json=False))
    assert "$0.00 of $20.00" in capsys.readouterr().out


async def test_a_conversation_shows_steps_costs_and_takes_orders_of_its_own(
    answering, sync_client: AdwClient, capsys, monkeypatch
):
    typed = "what runs?\n\n/cost\n/reset\n/nonsense\n/help\n/quit\nnot said\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    told = []
    talking = asyncio.to_thread(
        converse, sync_client, history=lambda: told.append("history"), metrics=lambda: told.append("cost")
    )
    await talking
    printed = capsys.readouterr()
    assert printed.out == "Nothing runs.\n"
    assert "  list_workflows(limit=5)" in printed.err
    assert "  ($0.00, $0.00 of $20.00 this month; context 0.0 %)" in printed.err
    assert "there is no /nonsense here" in printed.err
    assert printed.err.count("/reset    begin anew") == 2
    assert told == ["cost"]
    said = sync_client.chat_history
    kinds = [entry["kind"] for entry in (await asyncio.to_thread(said))["entries"]]
    assert (kinds.count("message"), kinds[-1]) == (1, "notice")


async def test_what_comes_unasked_is_shown_and_what_is_interrupted_too(live: Live, sync_client: AdwClient, capsys):
    talk = await asyncio.to_thread(lambda: Talk(sync_client, show=print_step))
    assert not await asyncio.to_thread(talk.news)
    posted = await asyncio.to_thread(sync_client.chat, "go on")
    async with live.stage.database.begin() as connection:
        turn = await take_turn(connection, owner="w")
        await note(connection, turn, kind="tool_use", message="pause", metadata={})
    interrupting = asyncio.create_task(asyncio.to_thread(talk.interrupt))
    async with asyncio.timeout(20):
        while True:
            async with live.stage.database.begin() as connection:
                if await keep_turn(connection, turn):
                    await end_turn(connection, turn, state="interrupted", answer="(interrupted)")
                    break
            await asyncio.sleep(0.02)
        await interrupting
    assert capsys.readouterr().err.splitlines() == ["  pause()", "(interrupted)"]
    await asyncio.to_thread(talk.interrupt)
    assert "nothing was being done" in capsys.readouterr().err
    async with live.stage.database.begin() as connection:
        orchestrator = turn.orchestrator_id
        for kind, words in (("answer", "It failed."), ("thinking", "Hm."), ("notice", "Most of it is spent.")):
            await write_entry(connection, orchestrator, kind=kind, message=words, turn_id=posted["messageId"] + 1)
    assert await asyncio.to_thread(talk.news)
    assert capsys.readouterr().err.splitlines() == ["[unasked] It failed.", "[note] Most of it is spent."]


async def test_whoever_is_heard_by_nobody_is_told_so(live: Live, sync_client: AdwClient, capsys, eventually):
    talk = await asyncio.to_thread(lambda: Talk(sync_client, show=print_step, patience_s=0.0))
    asking = asyncio.create_task(asyncio.to_thread(talk.ask, "hello?"))
    told = []

    def wondered() -> bool:
        told.append(capsys.readouterr().err)
        return "no worker has taken this up" in "".join(told)

    await eventually(wondered)
    async with live.stage.database.begin() as connection:
        turn = await take_turn(connection, owner="w")
        await end_turn(connection, turn, state="answered", answer="Here.")
    assert (await asking)["message"] == "Here."


async def test_what_could_not_be_answered_ends_in_failure(answering, sync_client: AdwClient, capsys):
    answering.update(state="refused", answer="The budget is used up.")
    with pytest.raises(typer.Exit) as ended:
        await asyncio.to_thread(command._once, sync_client, "what runs?", as_json=False)
    assert ended.value.exit_code == 1
    assert "used up" in capsys.readouterr().out


def test_choices_are_read_from_options():
    none = {"model": None, "budget": None, "wake": None, "quiet": None, "zone": None}
    assert command._choices(**none) == {}
    assert command._choices(**none | {"model": "m", "budget": 2.5, "wake": False}) == {
        "model": "m",
        "budgetUsd": 2.5,
        "wake": False,
    }
    quiet = {"quietFrom": "22:00", "quietUntil": "07:00", "quietZone": "UTC"}
    assert command._choices(**none | {"quiet": "22:00-07:00", "zone": "UTC"}) == quiet
    assert command._choices(**none | {"quiet": "off"}) == {"quiet": False}
    with pytest.raises(UsageError):
        command._choices(**none | {"zone": "UTC"})
