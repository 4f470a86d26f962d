"""The Claude runtime: one CLI process for each conversation, watched, fenced in, and never outliving its caller."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from uuid import uuid4

from adw.agents.cli import find_cli
from adw.agents.conversation import CliLauncher, Conversation, Host
from adw.agents.folder import run_folder
from adw.agents.gate import StartGate
from adw.agents.options import ClaudeSettings
from adw.agents.outcome import lost_session
from adw.agents.relay import Item, Say, relay
from adw.agents.transcript import Transcripts, is_resumable, restore
from adw.domain.agent import AgentMessage, AgentTask
from adw.domain.usage import Price


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
        gate: StartGate | None = None,
    ) -> None:
        """`runtime_dir` belongs to this process alone. A cold start costs a CPU second, hence their limit and `gate`.

        Raises `ConfigurationError` when there is no CLI.
        """
        self._runtime_dir = runtime_dir
        self._gate = gate
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
        if self._gate is not None:
            await self._gate.passed()  # before its clocks start: waiting here is neither silence nor work
        yield AgentMessage(kind="started", session_id=session_id)
        work = partial(self._converse, task, session_id)
        async with aclosing(relay(work, name=f"agent-{task.run_id}")) as said:
            async for item in said:
                yield item

    async def _converse(self, task: AgentTask, session_id: str, say: Say) -> None:
        with run_folder(self._runtime_dir, run_id=task.run_id) as folder:
            if task.resume_session and not await restore(
                self._host.transcripts,
                project_key=task.adw_id,
                session_id=task.resume_session,
                config=folder.config,
                cwd=task.cwd,
            ):
                say(lost_session(task.resume_session))
                return
            conversation = Conversation(host=self._host, task=task, session_id=session_id, folder=folder)
            say(await conversation.hold(say=say))
