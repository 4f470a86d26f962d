from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import InMemorySessionStore

from adw.agents.claude import ClaudeRuntime
from adw.agents.options import ClaudeSettings
from adw.agents.scripted_model import Scenario, ScriptedModelServer, serve_scripted_model
from adw.domain.agent import AgentLimits, AgentMessage, AgentResult, AgentTask, Role, ToolPolicy
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline

ALL_TOOLS = ("Read", "Grep", "Glob", "Edit", "Write", "Bash")


@dataclass(slots=True)
class Heard:
    """Everything a run yielded."""

    messages: list[AgentMessage] = field(default_factory=list)
    result: AgentResult | None = None

    def texts(self, kind: str) -> list[str]:
        return [message.text for message in self.messages if message.kind == kind]

    @property
    def final(self) -> AgentResult:
        assert self.result is not None
        return self.result


async def listen(runtime: ClaudeRuntime, task: AgentTask) -> Heard:
    heard = Heard()
    async with asyncio.timeout(30):
        async for item in runtime.run(task):
            assert heard.result is None, "the result comes last"
            if isinstance(item, AgentResult):
                heard.result = item
            else:
                heard.messages.append(item)
    return heard


def make_task(cwd: Path, **changes: Any) -> AgentTask:
    values: dict[str, Any] = {
        "run_id": "0a1b2c3d:build:1",
        "adw_id": "0a1b2c3d",
        "role": Role.IMPLEMENTOR,
        "phase": "build",
        "attempt": 1,
        "model": "claude-haiku-4-5",
        "prompt": "Do the work.",
        "system": "You change files in the workspace.",
        "cwd": cwd,
        "policy": ToolPolicy(tools=ALL_TOOLS, allowed=ALL_TOOLS),
        "limits": AgentLimits(max_turns=20, timeout_s=25, idle_timeout_s=20),
        "gateway_url": "http://127.0.0.1:9",
        "run_token": "run-token-of-a-test",
    }
    return AgentTask(**values | changes)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def task_for() -> Callable[..., AgentTask]:
    return lambda **changes: make_task(Path("/workspace"), **changes)


@dataclass(slots=True)
class Stage:
    """A runtime and the scripted model it talks to."""

    runtime: ClaudeRuntime
    server: ScriptedModelServer
    launcher: SupervisedLauncher
    runtime_dir: Path
    transcripts: InMemorySessionStore

    async def run(self, cwd: Path, **changes: Any) -> Heard:
        return await listen(self.runtime, self.task(cwd, **changes))

    def task(self, cwd: Path, **changes: Any) -> AgentTask:
        return make_task(cwd, **{"gateway_url": self.server.url} | changes)


StageFor = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def stage_for(tmp_path: Path) -> StageFor:
    @asynccontextmanager
    async def open_stage(
        *rules: dict[str, Any], max_retries: int = 1, transcripts: Any = None
    ) -> AsyncGenerator[Stage]:
        scenario = Scenario.model_validate({"rules": [{"name": f"rule {n}", **rule} for n, rule in enumerate(rules)]})
        kept = transcripts or InMemorySessionStore()
        runtime_dir = tmp_path / "runs"
        async with (
            serve_scripted_model(scenario) as server,
            await Lifeline.open(tmp_path / "life") as lifeline,
        ):
            launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "life")
            runtime = ClaudeRuntime(
                launcher=launcher,
                session_store=kept,
                runtime_dir=runtime_dir,
                settings=ClaudeSettings(max_retries=max_retries),
            )
            yield Stage(runtime=runtime, server=server, launcher=launcher, runtime_dir=runtime_dir, transcripts=kept)

    return open_stage


class Script:
    """Short forms for the replies of a scenario."""

    @staticmethod
    def text(value: str) -> dict[str, Any]:
        return {"blocks": [{"text": value}]}

    @staticmethod
    def tool(name: str, **tool_input: Any) -> dict[str, Any]:
        return {"blocks": [{"tool": {"name": name, "input": tool_input}}]}

    @staticmethod
    def bash(command: str) -> dict[str, Any]:
        return Script.tool("Bash", command=command, description="A command of the test")

    @staticmethod
    def structured(**values: Any) -> dict[str, Any]:
        return {"blocks": [{"structured": values}]}

    @staticmethod
    def fault(kind: int | str, **more: Any) -> dict[str, Any]:
        return {"fault": kind, **more}


@pytest.fixture
def script() -> type[Script]:
    return Script
