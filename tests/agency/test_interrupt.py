"""An agent in a long command is interrupted through the database: all of its processes are gone within 3 seconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil
import pytest
from tests.agency.conftest import Office, calls, rule, says
from tests.conftest import Eventually

from adw.control.agency import Agency
from adw.store.db import Database
from adw.worker.agency import keep_agents_working

GONE_WITHIN_S = 3.0
LASTING = "setsid sleep 986 & (sleep 985; true) & echo ready > ready; while true; do sleep 1; done"


@pytest.fixture
def runtime_name() -> str:
    return "claude"


def processes() -> set[psutil.Process]:
    """All that this process has started, and what those have."""
    return set(psutil.Process().children(recursive=True))


def is_alive(process: psutil.Process) -> bool:
    """Not one that has ended and of which only its parent has not heard."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_an_interrupted_agent_is_gone_with_all_its_processes_and_can_go_on(
    office: Office, repository: Path, database_url: str, eventually: Eventually
):
    office.follow(
        rule("go on", says("I was stopped."), prompt="what happened", any_text="Your last command was stopped"),
        rule("last", calls("Bash", command=LASTING), says("never"), prompt="last"),
    )
    await office.create(repository=repository, template="builder")
    before = processes()
    worker = asyncio.create_task(keep_agents_working(office.database, office.agents, worker_id="w1"))
    elsewhere = Database(database_url, pool_size=1)
    try:
        given = await office.tell("last for ever")
        place = await eventually(lambda: _place(office))
        await eventually((place / "ready").exists)
        ours = processes() - before
        assert {"sleep", "bash"} <= {each.name() for each in ours}

        begin = time.monotonic()
        other = Agency(database=elsewhere, access=office.agency.access)
        _, stopped = await other.interrupt(office.orchestrator.id, "helper", actor="Ada")
        await eventually(lambda: not any(map(is_alive, ours)))
        took_s = time.monotonic() - begin
        assert stopped == [given.id]
        assert took_s < GONE_WITHIN_S, f"{len(ours)} processes were gone after {took_s:.2f} s"
        assert not [each for each in processes() - before if each.name() in {"sleep", "bash", "node"}]

        await eventually(lambda: _state(office, given.id, "interrupted"))
        asked = await office.tell("what happened?")
        await eventually(lambda: _state(office, asked.id, "done"))
        assert (await office.command(asked.id)).answer == "I was stopped."
    finally:
        worker.cancel()
        await asyncio.wait({worker})
        await elsewhere.close()


async def _place(office: Office) -> Path | None:
    place = (await office.agent()).place
    return None if place is None else Path(place)


async def _state(office: Office, command_id: int, state: str) -> bool:
    return (await office.command(command_id)).state == state
