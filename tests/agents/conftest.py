from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import InMemorySessionStore

from adw.agents.claude import ClaudeRuntime
from adw.agents.options import ClaudeSettings
from adw.agents.plain.request import PlainSettings
from adw.agents.plain.runtime import PlainRuntime
from adw.agents.scripted_model import Scenario, ScriptedModelServer, serve_scripted_model
from adw.domain.agent import AgentLimits, AgentMessage, AgentResult, AgentTask, Role, ToolPolicy
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline
from adw.ports.agents import AgentRuntime
from adw.ports.sessions import TranscriptEntry, TranscriptKey

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


async def listen(runtime: AgentRuntime, task: AgentTask) -> Heard:
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

    runtime: AgentRuntime
    server: ScriptedModelServer
    launcher: SupervisedLauncher
    runtime_dir: Path
    transcripts: Any

    async def run(self, cwd: Path, **changes: Any) -> Heard:
        return await listen(self.runtime, self.task(cwd, **changes))

    def task(self, cwd: Path, **changes: Any) -> AgentTask:
        return make_task(cwd, **{"gateway_url": self.server.url} | changes)


StageFor = Callable[..., AbstractAsyncContextManager[Stage]]


class Rows:
    """Transcripts in memory: all of `TranscriptRows` that the plain runtime uses."""

    def __init__(self) -> None:
        self.entries: dict[TranscriptKey, list[TranscriptEntry]] = {}

    async def append(self, key: TranscriptKey, entries: Sequence[TranscriptEntry], **_: Any) -> None:
        self.entries.setdefault(key, []).extend(entries)

    async def load(self, key: TranscriptKey) -> list[str] | None:
        return [entry.body for entry in self.entries.get(key, [])] or None


@pytest.fixture
def runtime_name() -> str:
    return "claude"


@pytest.fixture
def stage_for(tmp_path: Path, runtime_name: str) -> StageFor:
    @asynccontextmanager
    async def open_stage(
        *rules: dict[str, Any], max_retries: int = 1, transcripts: Any = None, sandbox: Any = None
    ) -> AsyncGenerator[Stage]:
        scenario = Scenario.model_validate({"rules": [{"name": f"rule {n}", **rule} for n, rule in enumerate(rules)]})
        runtime_dir = tmp_path / "runs"
        runtime_dir.mkdir(exist_ok=True)
        async with (
            serve_scripted_model(scenario) as server,
            await Lifeline.open(tmp_path / "life") as lifeline,
        ):
            launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "life", sandbox=sandbox)
            kept = transcripts or (InMemorySessionStore() if runtime_name == "claude" else Rows())
            runtime: AgentRuntime
            if runtime_name == "claude":
                settings = ClaudeSettings(max_retries=max_retries)
                runtime = ClaudeRuntime(
                    launcher=launcher, session_store=kept, runtime_dir=runtime_dir, settings=settings
                )
            else:
                settings = PlainSettings(max_retries=max_retries)
                runtime = PlainRuntime(launcher=launcher, rows=kept, runtime_dir=runtime_dir, settings=settings)
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
