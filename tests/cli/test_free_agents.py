"""`adw agent`: agents outside of workflows, made, commanded and stopped against a server in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from tests.cli.test_people import Adw, adw
from tests.client.conftest import Live, live, template

from adw.domain.free_agent import CommandState
from adw.kit.errors import ExitCode
from adw.store.free_agent_work import end_work, note_work, take_work

__all__ = ["adw", "live", "template"]


@pytest.fixture
async def working(live: Live) -> AsyncIterator[dict[str, CommandState]]:
    """A worker that looks once and ends as it is told to."""
    ends = {"state": CommandState.DONE}

    async def work() -> None:
        while True:
            async with live.stage.database.begin() as connection:
                taken = await take_work(connection, owner="w", host="here")
            if taken is None:
                await asyncio.sleep(0.02)
                continue
            async with live.stage.database.begin() as connection:
                await note_work(connection, taken, kind="tool_use", body="Read wall.txt")
                await end_work(connection, taken, answer="It is\x1b[2J blue.", **ends)

    worker = asyncio.create_task(work())
    yield ends
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def test_an_agent_is_made_told_something_and_its_answer_waited_for(working, adw: Adw):
    made = await adw("agent", "create", "helper", "--template", "researcher", "--tools", "Read,Grep", "--budget", "2")
    assert (made.code, "adw agent command helper" in made.err) == (ExitCode.OK, True)
    told = await adw("agent", "command", "helper", "Which colour?", "--wait")
    assert (told.code, told.out) == (ExitCode.OK, "It is\N{REPLACEMENT CHARACTER}[2J blue.\n")
    assert "  Read wall.txt" in told.err.splitlines()
    working["state"] = CommandState.FAILED
    assert (await adw("agent", "command", "helper", "And now?", "--wait", "--json")).code == ExitCode.FAILED
    assert json.loads((await adw("agent", "list", "--json")).out)["named"][0]["budgetUsd"] == 2
    shown = await adw("agent", "show", "helper")
    assert {"researcher", "failed"} <= set(shown.out.split())
    logs = (await adw("agent", "logs", "helper")).out
    assert [line.split()[1] for line in logs.splitlines()] == ["command", "tool_use", "answer", *logs_of_failure()]
    assert (await adw("agent", "delete", "helper")).code == ExitCode.OK


async def test_what_waits_is_taken_back_and_lists_tell_what_there_is(adw: Adw):
    assert "no agent is at work" in (await adw("agent", "list")).err
    assert (await adw("agent", "create", "helper")).code == ExitCode.FAILED + 1, "neither a template nor a prompt"
    await adw("agent", "create", "helper", "--prompt", "You help.")
    assert "is queued" in (await adw("agent", "command", "helper", "Wait")).err
    assert "commands ended: 1" in (await adw("agent", "interrupt", "helper")).err
    assert "doing nothing" in (await adw("agent", "interrupt", "helper")).err
    assert "helper" in (await adw("agent", "list")).out
    assert {"builder", "researcher", "reviewer"} <= set((await adw("agent", "templates")).out.split())


def logs_of_failure() -> list[str]:
    return ["command", "tool_use", "notice"]
