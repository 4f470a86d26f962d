"""The one place that decides whether a conversation did what was asked and, if not, what kind of failure it was.

The CLI reports failures in many shapes: a "success" that is an error, an empty success, an exception, silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from claude_agent_sdk import CLIJSONDecodeError, CLINotFoundError, ProcessError, ResultError, ResultMessage

from adw.agents.failures import Report, fail, owes_answer, reported, stopped, with_detail
from adw.domain.agent import AgentFailure, AgentResult, AgentTask
from adw.domain.failure import FailureClass
from adw.domain.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a conversation ended, as seen from outside. Exactly one of the first three is set."""

    result: ResultMessage | None = None
    error: Exception | None = None
    stopped: Literal["timeout", "idle"] | None = None
    retries: int = 0
    """Failed attempts right before the end."""
    duration_ms: int = 0
    stderr: str = ""
    """The last lines the CLI wrote to standard error."""


def outcome(task: AgentTask, *, session_id: str, ending: Ending, usage: Usage) -> AgentResult:
    """The conversation's result. Never raises: whatever cannot be read is a failure."""
    result = ending.result
    structured: Any = result.structured_output if result else None
    return AgentResult(
        session_id=session_id,
        text=(result.result or "") if result else "",
        structured=cast("dict[str, Any]", structured) if isinstance(structured, dict) else None,
        usage=usage,
        turns=result.num_turns if result else 0,
        duration_ms=result.duration_ms if result else ending.duration_ms,
        stop_reason=(result.stop_reason or result.terminal_reason) if result else ending.stopped,
        failure=_failure(task, ending),
    )


def lost_session(session_id: str) -> AgentResult:
    """The result when a conversation is to be continued of which nothing was kept."""
    message = f"Nothing is kept of session {session_id}; start a new conversation"
    return AgentResult(session_id=session_id, usage=Usage(), failure=fail(message), stop_reason="session_lost")


def _failure(task: AgentTask, ending: Ending) -> AgentFailure | None:
    if ending.stopped is not None:
        return stopped(task, idle=ending.stopped == "idle")
    if isinstance(ending.error, ResultError):
        return reported(task, _report_of_error(ending.error), retries=ending.retries)
    if ending.error is not None:
        return _crashed(ending.error, stderr=ending.stderr)
    if ending.result is None:
        return fail("The agent's process ended without a result", FailureClass.INFRASTRUCTURE, retryable=True)
    report = _report_of(ending.result)
    if ending.result.is_error or report.subtype != "success":
        return reported(task, report, retries=ending.retries)
    return owes_answer(
        task, structured=isinstance(ending.result.structured_output, dict), text=ending.result.result or ""
    )


def _crashed(error: Exception, *, stderr: str) -> AgentFailure:
    if isinstance(error, CLINotFoundError):
        return fail(str(error), FailureClass.CONFIGURATION)
    if isinstance(error, CLIJSONDecodeError):
        return fail(f"The agent's process wrote something unreadable: {error}", FailureClass.INFRASTRUCTURE)
    code = error.exit_code if isinstance(error, ProcessError) else None
    what = f"The agent's process ended with exit code {code}" if code is not None else f"The agent failed: {error}"
    return fail(with_detail(what, stderr), FailureClass.INFRASTRUCTURE, retryable=True)


def _report_of(message: ResultMessage) -> Report:
    return Report(
        subtype=message.subtype,
        status=message.api_error_status,
        reason="refusal" if message.stop_reason == "refusal" else message.terminal_reason,
        text=message.result or "; ".join(message.errors or []),
    )


def _report_of_error(error: ResultError) -> Report:
    return Report(
        subtype=error.subtype or "error_during_execution",
        status=error.api_error_status,
        reason="refusal" if error.data.get("stop_reason") == "refusal" else error.terminal_reason,
        text=error.result or "; ".join(error.errors) or str(error),
    )
