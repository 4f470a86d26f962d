"""One conversation with one CLI process, from start to the last trace of it being gone.

Two tasks share the work. The *pump* alone talks to the SDK; the *listener* watches the clocks and never touches it.
To stop, the process tree is killed first: the SDK then ends by itself, instead of waiting politely for a stuck agent.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from claude_agent_sdk import ClaudeSDKClient, Message, MirrorErrorMessage, ResultMessage, SessionStore

from adw.agents.folder import RunFolder
from adw.agents.options import ClaudeSettings, build_options, environment, with_runtime
from adw.agents.outcome import Ending, outcome
from adw.agents.own_tools import name_in_cli
from adw.agents.policy import FilePolicy, guard
from adw.agents.pump import Closed, Heard, Signal, pump
from adw.agents.tally import Tally, usage_of
from adw.agents.transcript import Mirror, Transcripts
from adw.agents.translate import translate
from adw.domain.agent import AgentMessage, AgentResult, AgentTask
from adw.domain.usage import Price
from adw.kit.log import get_logger
from adw.ports.launcher import Launch, Launcher

_STDERR_LINES = 20
_GRACE_S = 3.0
"""How long the CLI may take to leave by itself after its answer, and the SDK to notice that it is gone."""

log = get_logger("agents")


class CliLauncher(Launcher, Protocol):
    """A launcher that can also end what was started through a wrapper."""

    async def end(self, wrapper: Path) -> bool:
        """Kills every process tree started through the wrapper and forbids new ones. True when all of it is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What all conversations of one runtime share."""

    cli: Path
    launcher: CliLauncher
    transcripts: Transcripts
    settings: ClaudeSettings
    prices: Mapping[str, Price]
    starts: asyncio.Semaphore


class Conversation:
    """Holds one conversation. Cancelling `hold` kills the CLI and its process tree before it returns."""

    def __init__(self, *, host: Host, task: AgentTask, session_id: str, folder: RunFolder) -> None:
        self._host = host
        self._task = task
        self._session_id = session_id
        self._folder = folder
        self._tally = Tally()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)

    async def hold(self, *, say: Callable[[AgentMessage], None]) -> AgentResult:
        """Asks the task's prompt and passes on what is said until the agent is done, fails or is stopped."""
        wrapper = self._wrap_cli()
        inbox: asyncio.Queue[Heard] = asyncio.Queue()
        pumping = asyncio.create_task(pump(self._client(wrapper, inbox), self._task.prompt, self._host.starts, inbox))
        try:
            ending = await self._listen(inbox, say)
            if ending.result is not None:
                await asyncio.wait({pumping}, timeout=_GRACE_S)
        finally:
            await self._clear(wrapper, pumping)
        usage = usage_of(self._tally, result=ending.result, model=self._task.model, prices=self._host.prices)
        return outcome(self._task, session_id=self._session_id, ending=ending, usage=usage)

    def _wrap_cli(self) -> Path:
        env = environment(self._task, base=os.environ, folder=self._folder, settings=self._host.settings)
        confinement = with_runtime(self._task.confinement, cli=self._host.cli, folder=self._folder)
        launch = Launch(argv=(str(self._host.cli),), cwd=self._task.cwd, env=env, confinement=confinement)
        return self._host.launcher.wrap(launch, folder=self._folder.root)

    def _client(self, wrapper: Path, inbox: asyncio.Queue[Heard]) -> ClaudeSDKClient:
        # the CLI keeps long tool output in its own folder and tells the agent to read it there
        given = (folder.resolve() for folder in self._task.policy.readable)
        policy = FilePolicy(
            workspace=self._task.cwd,
            tools=self._task.policy,
            readable=(self._folder.config, *given),
            own_tools=frozenset(map(name_in_cli, self._task.own_tools)),
        )
        return ClaudeSDKClient(
            build_options(
                self._task,
                session_id=self._session_id,
                cli_path=wrapper,
                folder=self._folder,
                settings=self._host.settings,
                session_store=self._mirror(),
                guard=guard(policy, gate=self._task.gate, still_waiting=lambda: inbox.put_nowait(Signal.WAITING)),
                on_stderr=self._stderr.append,
            )
        )

    def _mirror(self) -> SessionStore:
        # the SDK asks a store for what it can do; only these two calls are required of one
        return cast("SessionStore", Mirror(self._host.transcripts, project_key=self._task.adw_id))

    async def _listen(self, inbox: asyncio.Queue[Heard], say: Callable[[AgentMessage], None]) -> Ending:
        """The stream under two clocks: the whole conversation's, and that of the silence between two messages."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        deadline = begin + self._task.limits.timeout_s
        silence_s: float | None = None
        while True:
            left_s = deadline - clock()
            try:
                async with asyncio.timeout(left_s if silence_s is None else min(left_s, silence_s)):
                    heard = await inbox.get()
            except TimeoutError:
                return self._ending(clock() - begin, stopped="timeout" if clock() >= deadline else "idle")
            match heard:
                case Signal.CONNECTED:
                    silence_s = self._task.limits.idle_timeout_s
                case Signal.WAITING:
                    say(AgentMessage(kind="waiting"))
                case Closed(error=error):
                    return self._ending(clock() - begin, error=error)
                case ResultMessage():
                    return self._ending(clock() - begin, result=heard)
                case _:
                    self._pass_on(heard, say)

    def _pass_on(self, message: Message, say: Callable[[AgentMessage], None]) -> None:
        self._tally.add(message)
        if isinstance(message, MirrorErrorMessage):
            log.warning("transcript_not_stored", session_id=self._session_id, error=message.error)
        for each in translate(message):
            say(each)

    def _ending(self, seconds: float, **how: object) -> Ending:
        return Ending(
            retries=self._tally.retries_in_a_row,
            duration_ms=round(seconds * 1000),
            stderr="\n".join(self._stderr),
            **how,  # pyright: ignore[reportArgumentType] - result, error or stopped
        )

    async def _clear(self, wrapper: Path, pumping: asyncio.Task[None]) -> None:
        if not await self._host.launcher.end(wrapper):
            log.error("agent_processes_survive", session_id=self._session_id, run_id=self._task.run_id)
        await asyncio.wait({pumping}, timeout=_GRACE_S)
        pumping.cancel()
        await asyncio.wait({pumping})
        if not pumping.cancelled() and (error := pumping.exception()) is not None:
            log.warning("agent_disconnect_failed", session_id=self._session_id, error=str(error))
