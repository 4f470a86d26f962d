"""What kind of failure a conversation ended with, by one set of rules, whichever runtime held it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adw.domain.agent import AgentFailure, AgentTask
from adw.domain.failure import FailureClass

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
class Report:
    """What is known of a run that failed."""

    subtype: str = "error_during_execution"
    status: int | None = None
    """The HTTP status of the model API's last answer."""
    reason: str | None = None
    text: str = ""


def reported(task: AgentTask, report: Report, *, retries: int) -> AgentFailure:
    """The failure a report tells of; `retries` counts the failed attempts right before the end."""
    if report.subtype == "error_max_turns" or report.reason == "max_turns":
        return fail(f"The agent used all of its {task.limits.max_turns} turns without finishing")
    if report.subtype == "error_max_structured_output_retries":
        return replace(fail("The agent never gave an answer of the required form"), answer_missing=True)
    if report.subtype in _SUBTYPE_MESSAGES:
        return fail(with_detail(_SUBTYPE_MESSAGES[report.subtype], report.text))
    if report.reason in _REASON_MESSAGES:
        return fail(with_detail(_REASON_MESSAGES[report.reason], report.text), status=report.status)
    if report.reason == "refusal":
        return fail(with_detail("The model refused the request", report.text))
    return _api_failure(report, retries=retries)


def stopped(task: AgentTask, *, idle: bool) -> AgentFailure:
    """The failure of a conversation that was ended by one of its clocks."""
    if idle:
        return fail(f"Nothing was heard from the agent for {task.limits.idle_timeout_s:g} s", retryable=True)
    return fail(f"The agent did not finish within {task.limits.timeout_s:g} s")


def owes_answer(task: AgentTask, *, structured: bool, text: str) -> AgentFailure | None:
    """The failure of a conversation that ended by itself, unless it gave what was asked for."""
    if task.schema is not None:
        missing = fail("The agent ended without the structured answer it was asked for")
        return None if structured else replace(missing, answer_missing=True)
    silent = fail("The agent ended without saying anything")
    return None if text.strip() else replace(silent, answer_missing=True)


def with_detail(message: str, detail: str) -> str:
    """The message, followed by what else is known, if anything."""
    return f"{message}: {detail.strip()}" if detail.strip() else message


def fail(
    message: str,
    failure_class: FailureClass = FailureClass.AGENT_ERROR,
    *,
    retryable: bool = False,
    status: int | None = None,
) -> AgentFailure:
    """A failure with its message cut to a sane length."""
    return AgentFailure(
        failure_class=failure_class, message=message[:_MESSAGE_LENGTH], retryable=retryable, api_status=status
    )


def _api_failure(report: Report, *, retries: int) -> AgentFailure:
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
    return fail(text, failure_class, retryable=failure_class is FailureClass.TRANSIENT, status=status)


def _is_connection_trouble(text: str) -> bool:
    signs = ("connect", "econn", "socket", "network", "timed out", "timeout", "stream", "fetch")
    return any(sign in text.lower() for sign in signs)
