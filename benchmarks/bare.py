"""The same conversations held with the Agent SDK alone: the baseline of everything we put around it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query
from claude_agent_sdk.types import SystemPromptPreset

from adw.agents.schemas import CLASSIFICATION, IMPLEMENTATION
from benchmarks.stage import PROMPT

MODEL = "claude-sonnet-4-5"
_READ = ["Read", "Glob", "Grep"]
_EDIT = [*_READ, "Write", "Edit", "Bash"]


async def converse_all(repo: Path, *, model_url: str) -> float:
    """Classifier, planner, implementor, one after the other in `repo`; returns the seconds they took."""
    started = time.monotonic()
    await converse(repo, "classifier", model_url=model_url, tools=[], schema=CLASSIFICATION)
    await converse(repo, "planner", model_url=model_url, tools=[*_READ, "Write", "Edit"])
    await converse(repo, "implementor", model_url=model_url, tools=_EDIT, schema=IMPLEMENTATION)
    return time.monotonic() - started


async def converse(
    repo: Path, role: str, *, model_url: str, tools: list[str], schema: Mapping[str, Any] | None = None
) -> None:
    """One conversation. Raises RuntimeError when it fails."""
    with tempfile.TemporaryDirectory(prefix="adw-bench-home-") as home:
        options = ClaudeAgentOptions(
            cwd=repo,
            model=MODEL,
            system_prompt=_system(role, with_tools=bool(tools)),
            tools=tools,
            allowed_tools=tools,
            permission_mode="acceptEdits",
            setting_sources=[],
            skills=[],
            strict_mcp_config=True,
            include_partial_messages=True,
            output_format={"type": "json_schema", "schema": dict(schema)} if schema else None,
            env={
                "ANTHROPIC_BASE_URL": model_url,
                "ANTHROPIC_API_KEY": "sk-ant-bench",
                "HOME": home,
                "CLAUDE_CONFIG_DIR": f"{home}/config",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
            },
        )
        result: ResultMessage | None = None
        async for message in query(prompt=f"{PROMPT}\n\nPlan file: `specs/plan.md`", options=options):
            if isinstance(message, ResultMessage):
                result = message
    if result is None or result.is_error:
        raise RuntimeError(f"the bare {role} failed: {result}")


def _system(role: str, *, with_tools: bool) -> str | SystemPromptPreset:
    text = f"ADW role: {role}\nADW phase: plan\n"
    if not with_tools:
        return text
    return {"type": "preset", "preset": "claude_code", "append": text, "exclude_dynamic_sections": True}
