"""Tools that we carry out ourselves, called by the real CLI and by the plain runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adw.domain.agent import OwnTool, ToolPolicy

NONE = ToolPolicy(tools=(), allowed=(), writable=())
SCHEMA = {"type": "object", "properties": {"left": {"type": "integer"}}, "required": ["left"]}


@pytest.fixture(params=["claude", "plain"])
def runtime_name(request) -> str:
    return request.param


async def test_an_agent_without_other_tools_calls_ours_and_hears_what_they_say(
    stage_for, script, workspace: Path, runtime_name: str
):
    taken: list[Mapping[str, Any]] = []

    async def count(given: Mapping[str, Any]) -> tuple[str, bool]:
        taken.append(given)
        return f"{given['left']} are left", given["left"] == 0

    tool = OwnTool(name="count", about="Counts what is left.", schema=SCHEMA, call=count)
    name = "mcp__adw__count" if runtime_name == "claude" else "count"
    steps = [
        script.tool(name, left=3),
        script.tool(name, left=0),
        script.tool("Bash", command="id"),
        script.text("So."),
    ]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace, role="orchestrator", phase="chat", policy=NONE, own_tools=(tool,))
        (first, *_) = stage.server.model.journal.entries
    assert heard.final.failure is None
    assert heard.final.text == "So."
    assert taken == [{"left": 3}, {"left": 0}]
    results = [(m.text, m.is_error) for m in heard.messages if m.kind == "tool_result"]
    assert results[:2] == [("3 are left", False), ("0 are left", True)]
    assert results[2][1], "it has no tool but ours"
    assert first.role == "orchestrator"
