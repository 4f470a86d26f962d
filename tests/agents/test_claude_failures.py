"""Every way a run can go wrong ends in a result, in bounded time, with nothing left running."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import psutil
from claude_agent_sdk import InMemorySessionStore

from adw.agents.pump import Signal, pump
from adw.kit.errors import DatabaseError

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


async def test_a_process_that_dies_is_an_infrastructure_failure(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.bash("echo up > up; kill -9 $PPID; tail -f /dev/null")}) as stage:
        heard = await stage.run(workspace)
        assert _running(workspace) == []
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "infrastructure"
    assert heard.final.failure.retryable


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


async def test_an_agent_works_on_when_its_transcript_cannot_be_stored(stage_for, script, workspace: Path):
    class Broken(InMemorySessionStore):
        async def append(self, *_: Any) -> None:
            raise DatabaseError

    async with stage_for({"reply": script.text("Done.")}, transcripts=Broken()) as stage:
        heard = await stage.run(workspace)
    assert heard.final.text == "Done."
    assert heard.final.failure is None


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
