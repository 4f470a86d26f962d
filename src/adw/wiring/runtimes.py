"""Which runtime holds a conversation: the one it began in, else what the project says, else what the settings say."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from adw.agents.plain.transcript import SESSION_PREFIX
from adw.domain.agent import AgentMessage, AgentResult, AgentTask, RuntimeName
from adw.ports.agents import AgentRuntime


class ChosenRuntime:
    """Implements `adw.ports.agents.AgentRuntime` by passing each task on to the right one."""

    def __init__(self, runtimes: Mapping[RuntimeName, AgentRuntime], *, usual: RuntimeName) -> None:
        self._runtimes = runtimes
        self._usual = usual
        self.name = str(usual)

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:
        """Whether the runtime it began in can continue it."""
        return await self._runtimes[_began_in(session_id)].can_resume(adw_id=adw_id, session_id=session_id)

    async def run(self, task: AgentTask) -> AsyncGenerator[AgentMessage | AgentResult, None]:
        """See `AgentRuntime.run`."""
        chosen = _began_in(task.resume_session) if task.resume_session else task.runtime or self._usual
        async with aclosing(self._runtimes[chosen].run(task)) as items:
            async for item in items:
                yield item


def _began_in(session_id: str) -> RuntimeName:
    return RuntimeName.PLAIN if session_id.startswith(SESSION_PREFIX) else RuntimeName.CLAUDE
