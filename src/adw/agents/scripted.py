"""A runtime without processes or models: it says what it was told to say. For tests of whatever runs agents.

Unlike the scripted model, which answers the real agent's requests, this double stands in for the agent itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adw.domain.agent import AgentFailure, AgentMessage, AgentResult, AgentTask
from adw.domain.failure import FailureClass
from adw.domain.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedReply:
    """What one run of an agent says and does.

    `work` stands for its tools: it is called with the task after the messages. A reply with `dies` ends without any
    result, as a killed process does. `session_id` of the result is filled in when it is None.
    """

    result: AgentResult = field(default_factory=lambda: AgentResult(session_id=None, text="Done.", usage=Usage()))
    messages: Sequence[AgentMessage] = ()
    work: Callable[[AgentTask], None] | None = None
    dies: bool = False


def answers(structured: Mapping[str, Any] | None = None, *, text: str = "Done.", **reply: Any) -> ScriptedReply:
    """A reply that ends well; `reply` are further fields of it."""
    result = AgentResult(session_id=None, text=text, structured=structured, usage=Usage(requests=1), turns=1)
    return ScriptedReply(result=result, **reply)


def fails(failure_class: FailureClass, message: str, *, retryable: bool = False, **reply: Any) -> ScriptedReply:
    """A reply that ends with a failure."""
    failure = AgentFailure(failure_class=failure_class, message=message, retryable=retryable)
    result = AgentResult(session_id=None, usage=Usage(requests=1), turns=1, failure=failure)
    return ScriptedReply(result=result, **reply)


class ScriptedRuntime:
    """Implements `adw.ports.agents.AgentRuntime`. Each run takes the next reply; `tasks` keeps what it was asked.

    A new conversation gets the session `session-1`, `session-2`, ..., a resumed one keeps its own. Sessions can be
    resumed until `forget` is called. Raises IndexError when the script is at its end: the caller asked too often.
    """

    name = "scripted"

    def __init__(self, *replies: ScriptedReply) -> None:
        self._replies = list(replies)
        self._sessions: set[str] = set()
        self.tasks: list[AgentTask] = []
        self.closed_early = 0
        """Runs whose consumer went away before the result."""

    @property
    def is_done(self) -> bool:
        """Whether every reply was used."""
        return not self._replies

    def forget(self) -> None:
        """Loses all transcripts, so that nothing can be resumed."""
        self._sessions.clear()

    async def can_resume(self, *, adw_id: str, session_id: str) -> bool:  # noqa: ARG002 # sessions are told apart by name alone
        return session_id in self._sessions

    async def run(self, task: AgentTask) -> AsyncGenerator[AgentMessage | AgentResult]:
        self.tasks.append(task)
        reply = self._replies.pop(0)
        session_id = task.resume_session or f"session-{len(self.tasks)}"
        self._sessions.add(session_id)
        ended = False
        try:
            yield AgentMessage(kind="started", session_id=session_id)
            for message in reply.messages:
                yield message
            if reply.work is not None:
                reply.work(task)
            ended = True
            if not reply.dies:
                yield replace(reply.result, session_id=reply.result.session_id or session_id)
        finally:
            self.closed_early += not ended
