"""The plain runtime: no agent process at all, only requests to the gateway and our own tools. Experimental.

It makes runs cheap: those of tests that kill hundreds of workers, and of benchmarks with hundreds of workflows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path

from adw.agents.failures import Report, fail, owes_answer, reported, stopped
from adw.agents.folder import RunFolder, run_folder
from adw.agents.outcome import lost_session
from adw.agents.plain.loop import Loop
from adw.agents.plain.request import ModelFailedError, PlainSettings, open_client
from adw.agents.plain.tools import Tools
from adw.agents.plain.transcript import SESSION_PREFIX, Transcript, new_session_id
from adw.agents.relay import Item, Say, relay
from adw.agents.tally import usage_of
from adw.domain.agent import AgentFailure, AgentMessage, AgentResult, AgentTask
from adw.domain.failure import FailureClass
from adw.domain.usage import Price
from adw.kit.errors import InfrastructureError
from adw.ports.launcher import Launcher
from adw.ports.sessions import TranscriptKey, TranscriptRows


class PlainRuntime:
    """Implements `adw.ports.agents.AgentRuntime` by a loop in this process."""

    name = "plain"

    def __init__(
        self,
        *,
        launcher: Launcher,
        rows: TranscriptRows,
        runtime_dir: Path,
        settings: PlainSettings | None = None,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        """`runtime_dir` belongs to this process alone; the homes of the agents' commands are made below it."""
        self._launcher = launcher
        self._rows = rows
        self._runtime_dir = runtime_dir
        self._settings = settings or PlainSettings()
        self._prices = prices or {}

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:
        """Whether anything of a conversation is kept: it can be continued from any point, here or on any other host."""
        if not session_id.startswith(SESSION_PREFIX):
            return False
        return bool(await self._rows.load(TranscriptKey(project_key=adw_id, session_id=session_id)))

    async def run(self, task: AgentTask) -> AsyncGenerator[Item, None]:
        """See `AgentRuntime.run`. The first message is `started`, before anything has been asked of a model."""
        session_id = task.resume_session or new_session_id()
        yield AgentMessage(kind="started", session_id=session_id)
        work = partial(self._converse, task, session_id)
        async with aclosing(relay(work, name=f"agent-{task.run_id}")) as said:
            async for item in said:
                yield item

    async def _converse(self, task: AgentTask, session_id: str, say: Say) -> None:
        transcript = Transcript(self._rows, TranscriptKey(project_key=task.adw_id, session_id=session_id))
        if task.resume_session:
            kept = await Transcript.load(self._rows, project_key=task.adw_id, session_id=session_id)
            if kept is None:
                say(lost_session(session_id))
                return
            transcript = kept
        with run_folder(self._runtime_dir, run_id=task.run_id) as folder:
            say(await self._hold(task, transcript, folder, say))

    async def _hold(self, task: AgentTask, transcript: Transcript, folder: RunFolder, say: Say) -> AgentResult:
        """The conversation under two clocks: the whole conversation's, and that of the silence between two messages."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        whole = asyncio.timeout(task.limits.timeout_s)
        silence = asyncio.timeout(task.limits.idle_timeout_s)

        def heard(message: AgentMessage) -> None:
            if not silence.expired():
                silence.reschedule(clock() + task.limits.idle_timeout_s)
            say(message)

        async with open_client(task, settings=self._settings) as client:
            tools = Tools(task=task, launcher=self._launcher, folder=folder)
            loop = Loop(
                task=task, transcript=transcript, client=client, tools=tools, settings=self._settings, say=heard
            )
            try:
                async with whole, silence:
                    failure = _judge(task, loop, report=await loop.hold())
            except TimeoutError:
                loop.progress.stop_reason = "timeout" if whole.expired() else "idle"
                failure = stopped(task, idle=not whole.expired())
            except ModelFailedError as error:
                failure = reported(task, error.report, retries=error.retries)
            except InfrastructureError as error:  # what was said could not be kept
                failure = fail(str(error), FailureClass.INFRASTRUCTURE, retryable=True)
        duration_ms = round((clock() - begin) * 1000)
        return self._result(task, loop, session_id=transcript.key.session_id, failure=failure, duration_ms=duration_ms)

    def _result(
        self, task: AgentTask, loop: Loop, *, session_id: str, failure: AgentFailure | None, duration_ms: int
    ) -> AgentResult:
        return AgentResult(
            session_id=session_id,
            text=loop.progress.text,
            structured=loop.progress.structured,
            usage=usage_of(loop.tally, result=None, model=task.model, prices=self._prices),
            turns=loop.progress.turns,
            duration_ms=duration_ms,
            stop_reason=loop.progress.stop_reason,
            failure=failure,
        )


def _judge(task: AgentTask, loop: Loop, *, report: Report | None) -> AgentFailure | None:
    if report is not None:
        return reported(task, report, retries=0)
    return owes_answer(task, structured=loop.progress.structured is not None, text=loop.progress.text)
