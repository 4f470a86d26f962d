"""The one place that decides whether a conversation did what was asked and, if not, what kind of failure it was.

The CLI reports failures in many shapes: a "success" that is an error, an empty success, an exception, silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from claude_agent_sdk import CLIJSONDecodeError, CLINotFoundError, ProcessError, ResultError, ResultMessage

from adw.domain.agent import AgentFailure, AgentResult, AgentTask
from adw.domain.failure import FailureClass
from adw.domain.usage import Usage

_MESSAGE_LENGTH = 2000

_STATUS_CLASSES: dict[int, FailureClass] = {
    401: FailureClass.CONFIGURATION,
    402: FailureClass.USAGE_LIMIT,
    404: FailureClass.CONFIGURATION,
    408: FailureClass.TRANSIENT,
    409: FailureClass.TRANSIENT,
    429: FailureClass.TRANSIENT,
}
_FIRST_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429

_SUBTYPE_MESSAGES = {
    "error_max_budget_usd": "The agent reached its spending limit",
    "error_during_execution": "The agent's run was broken off",
}
_REASON_MESSAGES = {
    "prompt_too_long": "The conversation no longer fits the model's context",
    "image_error": "The request was too large for the model API",
    "aborted_streaming": "The agent was interrupted",
    "aborted_tools": "The agent was interrupted",
}


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
    return AgentResult(session_id=session_id, usage=Usage(), failure=_fail(message), stop_reason="session_lost")


def _failure(task: AgentTask, ending: Ending) -> AgentFailure | None:
    if ending.stopped is not None:
        return _stopped(task, idle=ending.stopped == "idle")
    if isinstance(ending.error, ResultError):
        return _reported(task, _Report.from_error(ending.error), retries=ending.retries)
    if ending.error is not None:
        return _crashed(ending.error, stderr=ending.stderr)
    if ending.result is None:
        return _fail("The agent's process ended without a result", FailureClass.INFRASTRUCTURE, retryable=True)
    report = _Report.from_message(ending.result)
    if report.is_error or report.subtype != "success":
        return _reported(task, report, retries=ending.retries)
    return _empty(task, ending.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What the CLI said about a failed run, from either of the two places where it says it."""

    subtype: str
    is_error: bool
    status: int | None
    reason: str | None
    text: str
    turns: int = 0

    @staticmethod
    def from_message(message: ResultMessage) -> _Report:
        return _Report(
            subtype=message.subtype,
            is_error=message.is_error,
            status=message.api_error_status,
            reason="refusal" if message.stop_reason == "refusal" else message.terminal_reason,
            text=message.result or "; ".join(message.errors or []),
            turns=message.num_turns,
        )

    @staticmethod
    def from_error(error: ResultError) -> _Report:
        return _Report(
            subtype=error.subtype or "error_during_execution",
            is_error=True,
            status=error.api_error_status,
            reason="refusal" if error.data.get("stop_reason") == "refusal" else error.terminal_reason,
            text=error.result or "; ".join(error.errors) or str(error),
        )


def _reported(task: AgentTask, report: _Report, *, retries: int) -> AgentFailure:
    if report.subtype == "error_max_turns" or report.reason == "max_turns":
        return _fail(f"The agent used all of its {task.limits.max_turns} turns without finishing")
    if report.subtype == "error_max_structured_output_retries":
        return replace(_fail("The agent never gave an answer of the required form"), answer_missing=True)
    if report.subtype in _SUBTYPE_MESSAGES:
        return _fail(_with_detail(_SUBTYPE_MESSAGES[report.subtype], report.text))
    if report.reason in _REASON_MESSAGES:
        return _fail(_with_detail(_REASON_MESSAGES[report.reason], report.text), status=report.status)
    if report.reason == "refusal":
        return _fail(_with_detail("The model refused the request", report.text))
    return _api_failure(report, retries=retries)


def _api_failure(report: _Report, *, retries: int) -> AgentFailure:
    text = report.text or "The model API failed"
    status = report.status
    if status is None:
        failure_class = FailureClass.TRANSIENT if _is_connection_trouble(text) else FailureClass.AGENT_ERROR
    elif status == _TOO_MANY_REQUESTS and retries == 0:
        failure_class = FailureClass.USAGE_LIMIT  # the CLI gives up at once when the wait it is told is long
    elif status >= _FIRST_SERVER_ERROR:
        failure_class = FailureClass.TRANSIENT
    else:
        failure_class = _STATUS_CLASSES.get(status, FailureClass.AGENT_ERROR)
    return _fail(text, failure_class, retryable=failure_class is FailureClass.TRANSIENT, status=status)


def _is_connection_trouble(text: str) -> bool:
    signs = ("connect", "econn", "socket", "network", "timed out", "timeout", "stream", "fetch")
    return any(sign in text.lower() for sign in signs)


def _empty(task: AgentTask, result: ResultMessage) -> AgentFailure | None:
    if task.schema is not None:
        given = isinstance(result.structured_output, dict)
        missing = _fail("The agent ended without the structured answer it was asked for")
        return None if given else replace(missing, answer_missing=True)
    silent = _fail("The agent ended without saying anything")
    return None if (result.result or "").strip() else replace(silent, answer_missing=True)


def _stopped(task: AgentTask, *, idle: bool) -> AgentFailure:
    if idle:
        return _fail(f"Nothing was heard from the agent for {task.limits.idle_timeout_s:g} s", retryable=True)
    return _fail(f"The agent did not finish within {task.limits.timeout_s:g} s")


def _crashed(error: Exception, *, stderr: str) -> AgentFailure:
    if isinstance(error, CLINotFoundError):
        return _fail(str(error), FailureClass.CONFIGURATION)
    if isinstance(error, CLIJSONDecodeError):
        return _fail(f"The agent's process wrote something unreadable: {error}", FailureClass.INFRASTRUCTURE)
    code = error.exit_code if isinstance(error, ProcessError) else None
    what = f"The agent's process ended with exit code {code}" if code is not None else f"The agent failed: {error}"
    return _fail(_with_detail(what, stderr), FailureClass.INFRASTRUCTURE, retryable=True)


def _with_detail(message: str, detail: str) -> str:
    return f"{message}: {detail.strip()}" if detail.strip() else message


def _fail(
    message: str,
    failure_class: FailureClass = FailureClass.AGENT_ERROR,
    *,
    retryable: bool = False,
    status: int | None = None,
) -> AgentFailure:
    return AgentFailure(
        failure_class=failure_class, message=message[:_MESSAGE_LENGTH], retryable=retryable, api_status=status
    )
