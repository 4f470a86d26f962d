"""What executes an agent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from adw.domain.agent import AgentMessage, AgentResult, AgentTask


class AgentRuntime(Protocol):
    """Runs one conversation at a time per call; many calls may run at once."""

    name: str

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:
        """Whether enough of a conversation is kept to continue it, here or on any other host."""
        ...

    def run(self, task: AgentTask) -> AsyncGenerator[AgentMessage | AgentResult]:
        """Yields messages as they come and one `AgentResult` last.

        Closing the iterator early, or cancelling the task that consumes it, ends the agent and its whole
        process tree before returning. Failures are results, not exceptions; only a defect raises.
        """
        ...
