"""Every way a run can go wrong ends in a result, in bounded time, with nothing left running."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from claude_agent_sdk import InMemorySessionStore

from adw.agents.pump import Signal, pump
from adw.domain.agent import AgentLimits, AgentMessage
from adw.kit.errors import DatabaseError

FAULTS = [
    ({"fault": 401}, ("configuration", False, 401)),
    ({"fault": 403}, ("agent_error", False, 403)),
    ({"fault": 429}, ("transient", True, 429)),
    ({"fault": 429, "retry_after_s": 3600}, ("usage_limit", False, 429)),
    ({"fault": 529}, ("transient", True, 529)),
]

WORKER = """
import asyncio, sys
from pathlib import Path
from claude_agent_sdk import InMemorySessionStore
from adw.agents.claude import ClaudeRuntime
from adw.domain.agent import AgentLimits, AgentTask, Role, ToolPolicy
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline

async def main(folder, workspace, url):
    async with await Lifeline.open(folder / "life") as lifeline:
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=folder / "life")
        runtime = ClaudeRuntime(launcher=launcher, session_store=InMemorySessionStore(), runtime_dir=folder / "runs")
        policy = ToolPolicy(tools=("Bash",), allowed=("Bash",))
        task = AgentTask(
            run_id="r", adw_id="0a1b2c3d", role=Role.IMPLEMENTOR, phase="build", attempt=1, model="claude-haiku-4-5",
            prompt="Go.", system="", cwd=workspace, policy=policy, limits=AgentLimits(), gateway_url=url, run_token="t",
        )
        async for _ in runtime.run(task):
            pass

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""


@pytest.mark.parametrize(("reply", "expected"), FAULTS)
async def test_a_lasting_fault_of_the_api_becomes_a_typed_failure(stage_for, workspace: Path, reply, expected):
    async with stage_for({"reply": reply}) as stage:
        heard = await stage.run(workspace)
    failure = heard.final.failure
    assert failure is not None
    assert (failure.failure_class, failure.retryable, failure.api_status) == expected


async def test_a_passing_fault_is_retried_and_reported(stage_for, script, workspace: Path):
    rules = [
        {"when": {"seen": 0}, "reply": script.fault(529)},
        {"reply": script.text("Better now.")},
    ]
    async with stage_for(*rules, max_retries=2) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "Better now."
    assert len(heard.texts("retry")) == 1
    assert "HTTP 529" in heard.texts("retry")[0]


async def test_a_stream_that_breaks_off_is_asked_again(stage_for, script, workspace: Path):
    rules = [
        {"when": {"seen": 0, "stream": True}, "reply": script.text("Half of") | script.fault("drop")},
        {"reply": script.text("The whole answer.")},
    ]
    async with stage_for(*rules, max_retries=2) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "The whole answer."


async def test_nobody_listening_at_the_gateway_is_transient(stage_for, workspace: Path):
    async with stage_for() as stage:
        heard = await stage.run(workspace, gateway_url="http://127.0.0.1:9")
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "transient"


async def test_a_silent_agent_is_stopped(stage_for, script, workspace: Path):
    limits = AgentLimits(idle_timeout_s=1.5, timeout_s=20)
    async with stage_for({"reply": script.text("x") | script.fault("stall")}) as stage:
        heard = await stage.run(workspace, limits=limits)
        assert _running(stage.runtime_dir) == []
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "agent_error"
    assert heard.final.failure.message == "Nothing was heard from the agent for 1.5 s"


async def test_an_agent_that_takes_too_long_is_stopped(stage_for, script, workspace: Path):
    limits = AgentLimits(idle_timeout_s=20, timeout_s=2)
    async with stage_for({"steps": [script.bash("tail -f /dev/null"), script.text("x")]}) as stage:
        heard = await stage.run(workspace, limits=limits)
        assert _running(workspace) == []
    assert heard.final.failure is not None
    assert heard.final.failure.message == "The agent did not finish within 2 s"


async def test_an_agent_that_uses_up_its_turns_has_failed(stage_for, script, workspace: Path):
    limits = AgentLimits(max_turns=2, timeout_s=20, idle_timeout_s=20)
    async with stage_for({"reply": script.bash("true")}) as stage:
        heard = await stage.run(workspace, limits=limits)
    assert heard.final.failure is not None
    assert heard.final.failure.message == "The agent used all of its 2 turns without finishing"


@pytest.mark.parametrize("way", ["aclose", "cancel"])
async def test_leaving_early_ends_the_agent_and_all_it_started(stage_for, script, workspace: Path, way: str):
    command = "tail -f /dev/null & echo up > up; tail -f /dev/null"
    async with stage_for({"reply": script.bash(command)}) as stage:
        left_at = await (_close_once_up(stage, workspace) if way == "aclose" else _cancel_once_up(stage, workspace))
        assert time.monotonic() - left_at < 2
        assert _running(workspace) == []
        assert list(stage.runtime_dir.iterdir()) == []


async def test_a_process_that_dies_is_an_infrastructure_failure(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.bash("echo up > up; kill -9 $PPID; tail -f /dev/null")}) as stage:
        heard = await stage.run(workspace)
        assert _running(workspace) == []
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "infrastructure"
    assert heard.final.failure.retryable


async def test_a_daemon_does_not_outlive_a_good_end(stage_for, script, workspace: Path):
    steps = [script.bash("tail -f /dev/null > out 2>&1 & echo started"), script.text("Started.")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace)
        assert _running(workspace) == []
    assert heard.final.failure is None


async def test_an_agent_does_not_outlive_its_worker(stage_for, script, workspace: Path, tmp_path: Path):
    async with stage_for({"reply": script.bash("echo up > up; tail -f /dev/null")}) as stage:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, str(tmp_path / "other"), str(workspace), stage.server.url
        )
        await _until_up(workspace)
        worker.kill()
        await worker.wait()
        async with asyncio.timeout(5):
            while _running(workspace):  # noqa: ASYNC110 - other processes end when they end
                await asyncio.sleep(0.02)


async def test_only_so_many_agents_start_at_once():
    starting, most = 0, 0

    class Client:
        async def connect(self) -> None:
            nonlocal starting, most
            starting += 1
            most = max(most, starting)
            await asyncio.sleep(0)
            starting -= 1

        async def query(self, prompt: str) -> None:
            raise RuntimeError(prompt)

        async def disconnect(self) -> None: ...

    starts = asyncio.Semaphore(2)
    inboxes: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in range(6)]
    await asyncio.gather(*(pump(cast("Any", Client()), "the end", starts, inbox) for inbox in inboxes))
    assert most == 2
    assert all(inbox.get_nowait() is Signal.CONNECTED for inbox in inboxes)


async def test_ending_an_agent_cannot_be_cut_short(stage_for, script, workspace: Path):
    command = "tail -f /dev/null & echo up > up; tail -f /dev/null"
    async with stage_for({"reply": script.bash(command)}) as stage:
        listening = asyncio.create_task(stage.run(workspace))
        await _until_up(workspace)
        while not listening.done():
            listening.cancel()
            await asyncio.sleep(0)
        assert _running(workspace) == []
        assert list(stage.runtime_dir.iterdir()) == []


async def test_an_agent_works_on_when_its_transcript_cannot_be_stored(stage_for, script, workspace: Path):
    class Broken(InMemorySessionStore):
        async def append(self, *_: Any) -> None:
            raise DatabaseError

    async with stage_for({"reply": script.text("Done.")}, transcripts=Broken()) as stage:
        heard = await stage.run(workspace)
    assert heard.final.text == "Done."
    assert heard.final.failure is None


async def _close_once_up(stage, workspace: Path) -> float:
    async with aclosing(stage.runtime.run(stage.task(workspace))) as messages:
        async for message in messages:
            if isinstance(message, AgentMessage) and message.kind == "tool_use":
                await _until_up(workspace)
                return time.monotonic()
    raise AssertionError("the tool was never used")


async def _cancel_once_up(stage, workspace: Path) -> float:
    listening = asyncio.create_task(stage.run(workspace))
    await _until_up(workspace)
    left_at = time.monotonic()
    listening.cancel()
    await asyncio.wait({listening})
    assert listening.cancelled()
    return left_at


async def _until_up(workspace: Path) -> None:
    async with asyncio.timeout(20):
        while not (workspace / "up").exists():  # noqa: ASYNC110 - a file is all another process can tell us
            await asyncio.sleep(0.02)


def _running(folder: Path) -> list[str]:
    """Commands of live processes that work in a folder or were started from it."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            where = process.cwd()
        except psutil.Error:
            continue
        if str(folder) in where or any(str(folder) in word for word in words):
            found.append(" ".join(words)[:200])
    return found
