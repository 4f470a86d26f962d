from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import InMemorySessionStore, project_key_for_directory

from adw.agents.transcript import Mirror, is_resumable, restore

SESSION = "5b0a7c2e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("entries", "resumable"),
    [
        (None, False),
        ([], False),
        ([{"type": "mode"}, {"type": "summary"}], False),
        ([{"type": "mode"}, {"type": "user"}], True),
        ([{"type": "assistant"}], True),
    ],
)
def test_only_a_conversation_in_which_something_was_said_can_go_on(entries: Any, resumable: bool):
    assert is_resumable(entries) == resumable


async def test_a_conversation_is_written_where_the_cli_looks_for_it(tmp_path: Path):
    store = InMemorySessionStore()
    main: Any = {"project_key": "0a1b2c3d", "session_id": SESSION}
    await store.append(main, [{"type": "user", "uuid": "1"}, {"type": "assistant", "uuid": "2"}])
    await store.append({**main, "subpath": "subagents/agent-1"}, [{"type": "user", "uuid": "3"}])
    await store.append({**main, "subpath": "../../../escape"}, [{"type": "user", "uuid": "4"}])
    config = tmp_path / "config"
    assert await restore(store, project_key="0a1b2c3d", session_id=SESSION, config=config, cwd=tmp_path)
    folder = config / "projects" / project_key_for_directory(tmp_path)
    lines = (folder / f"{SESSION}.jsonl").read_text().splitlines()
    assert [json.loads(line)["uuid"] for line in lines] == ["1", "2"]
    assert (folder / SESSION / "subagents" / "agent-1.jsonl").exists()
    assert list(tmp_path.rglob("escape*")) == []


async def test_the_mirror_writes_under_the_workflow_and_never_reads():
    store = InMemorySessionStore()
    mirror = Mirror(store, project_key="0a1b2c3d")
    await mirror.append({"project_key": "-some-folder", "session_id": SESSION}, [{"type": "user", "uuid": "1"}])
    assert await store.load({"project_key": "0a1b2c3d", "session_id": SESSION})
    assert await mirror.load({"project_key": "0a1b2c3d", "session_id": SESSION}) is None
