"""The Claude runtime: one CLI process for each conversation, watched, fenced in, and never outliving its caller."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from uuid import uuid4

from adw.agents.cli import find_cli
from adw.agents.conversation import CliLauncher, Conversation, Host
from adw.agents.folder import run_folder
from adw.agents.options import ClaudeSettings
from adw.agents.outcome import lost_session
from adw.agents.transcript import Transcripts, is_resumable, restore
from adw.domain.agent import AgentMessage, AgentResult, AgentTask
from adw.domain.usage import Price

Item = AgentMessage | AgentResult


class ClaudeRuntime:
    """Implements `adw.ports.agents.AgentRuntime` on the Claude Agent SDK."""

    name = "claude"

    def __init__(
        self,
        *,
        launcher: CliLauncher,
        session_store: Transcripts,
        runtime_dir: Path,
        settings: ClaudeSettings | None = None,
        prices: Mapping[str, Price] | None = None,
        concurrent_starts: int | None = None,
    ) -> None:
        """`runtime_dir` belongs to this process alone. A cold start costs a CPU second, hence their limit.

        Raises `ConfigurationError` when there is no CLI.
        """
        self._runtime_dir = runtime_dir
        self._host = Host(
            cli=find_cli(),
            launcher=launcher,
            transcripts=session_store,
            settings=settings or ClaudeSettings(),
            prices=prices or {},
            starts=asyncio.Semaphore(concurrent_starts or max(1, (os.cpu_count() or 2) // 2)),
        )

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:
        """Whether enough of a conversation is kept to continue it, here or on any other host."""
        return is_resumable(await self._host.transcripts.load({"project_key": adw_id, "session_id": session_id}))

    async def run(self, task: AgentTask) -> AsyncGenerator[Item, None]:
        """See `AgentRuntime.run`. The first message is `started`, before anything has been asked of a model."""
        session_id = task.resume_session or str(uuid4())
        yield AgentMessage(kind="started", session_id=session_id)
        said: asyncio.Queue[Item | None] = asyncio.Queue()
        work = asyncio.create_task(self._converse(task, session_id, said), name=f"agent-{task.run_id}")
        work.add_done_callback(lambda _: said.put_nowait(None))
        try:
            while (item := await said.get()) is not None:
                yield item
            await work  # raises a defect of ours, if that is what ended it
        finally:
            await _end(work)

    async def _converse(self, task: AgentTask, session_id: str, said: asyncio.Queue[Item | None]) -> None:
        with run_folder(self._runtime_dir, run_id=task.run_id) as folder:
            if task.resume_session and not await restore(
                self._host.transcripts,
                project_key=task.adw_id,
                session_id=task.resume_session,
                config=folder.config,
                cwd=task.cwd,
            ):
                said.put_nowait(lost_session(task.resume_session))
                return
            conversation = Conversation(host=self._host, task=task, session_id=session_id, folder=folder)
            said.put_nowait(await conversation.hold(say=said.put_nowait))


async def _end(work: asyncio.Task[None]) -> None:
    """Ends a conversation and waits until nothing of it is left, however often we are cancelled meanwhile."""
    work.cancel()
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
