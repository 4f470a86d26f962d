"""The error matrix, row by row: what the CLI reports and what it means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from claude_agent_sdk import (
    AssistantMessage,
    CLIConnectionError,
    CLIJSONDecodeError,
    CLINotFoundError,
    ProcessError,
    ResultError,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
)

from adw.agents.outcome import Ending, lost_session, outcome
from adw.agents.tally import Tally, usage_of
from adw.domain.usage import Price, Tokens, Usage

SCHEMA = {"type": "object"}
REFUSED_CONNECTION = "API Error: Unable to connect to API (ECONNREFUSED)"


def said(**values: Any) -> ResultMessage:
    defaults: dict[str, Any] = {
        "subtype": "success",
        "duration_ms": 1200,
        "duration_api_ms": 900,
        "is_error": False,
        "num_turns": 3,
        "session_id": "s",
        "result": "Done.",
    }
    return ResultMessage(**defaults | values)


def api_error(status: int | None, result: str = "API Error", **more: Any) -> ResultMessage:
    return said(is_error=True, api_error_status=status, result=result, **more)


def raised(**data: Any) -> ResultError:
    return ResultError("Claude Code returned an error result", data=data, exit_code=1)


MATRIX = [
    # what ended the run, how often the CLI had retried: class, retryable, status
    (api_error(429), 2, ("transient", True, 429)),
    (api_error(429), 0, ("usage_limit", False, 429)),
    (api_error(500), 2, ("transient", True, 500)),
    (api_error(503), 2, ("transient", True, 503)),
    (api_error(529), 2, ("transient", True, 529)),
    (api_error(None, REFUSED_CONNECTION), 2, ("transient", True, None)),
    (api_error(None, "API Error: something odd"), 0, ("agent_error", False, None)),
    (api_error(401), 2, ("configuration", False, 401)),
    (api_error(402), 0, ("usage_limit", False, 402)),
    (api_error(403), 0, ("agent_error", False, 403)),
    (api_error(404), 0, ("configuration", False, 404)),
    (api_error(400), 0, ("agent_error", False, 400)),
    (api_error(400, terminal_reason="prompt_too_long"), 0, ("agent_error", False, 400)),
    (api_error(413, terminal_reason="image_error"), 0, ("agent_error", False, 413)),
    (api_error(None, stop_reason="refusal"), 0, ("agent_error", False, None)),
    (said(subtype="error_max_turns", is_error=True, result=None), 0, ("agent_error", False, None)),
    (said(subtype="error_max_structured_output_retries", is_error=True), 0, ("agent_error", False, None)),
    (said(subtype="error_during_execution", terminal_reason="aborted_tools"), 0, ("agent_error", False, None)),
    (said(subtype="error_of_tomorrow"), 0, ("agent_error", False, None)),
    (said(result=""), 0, ("agent_error", False, None)),
    (said(result="  \n"), 0, ("agent_error", False, None)),
    (said(result=None), 0, ("agent_error", False, None)),
    (raised(subtype="success", api_error_status=529, result="API Error: 529"), 2, ("transient", True, 529)),
    (raised(subtype="error_during_execution", errors=["No conversation found"]), 0, ("agent_error", False, None)),
    (ProcessError("Command failed", exit_code=137), 0, ("infrastructure", True, None)),
    (CLIConnectionError("Failed to start"), 0, ("infrastructure", True, None)),
    (CLINotFoundError("not there"), 0, ("configuration", False, None)),
    (CLIJSONDecodeError("{", ValueError("x")), 0, ("infrastructure", False, None)),
    (RuntimeError("Control request timeout: initialize"), 0, ("infrastructure", True, None)),
    ("idle", 0, ("agent_error", True, None)),
    ("timeout", 0, ("agent_error", False, None)),
    (None, 0, ("infrastructure", True, None)),
]


def ending_of(cause: Any, *, retries: int = 0) -> Ending:
    match cause:
        case ResultMessage():
            return Ending(result=cause, retries=retries)
        case Exception():
            return Ending(error=cause, retries=retries)
        case _:
            return Ending(stopped=cause, retries=retries)


@pytest.mark.parametrize(("cause", "retries", "expected"), MATRIX)
def test_the_error_matrix(task_for, cause, retries, expected):
    result = outcome(task_for(), session_id="s", ending=ending_of(cause, retries=retries), usage=Usage())
    failure = result.failure
    assert failure is not None
    assert (failure.failure_class, failure.retryable, failure.api_status) == expected
    assert failure.message
    assert result.session_id == "s"


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (Ending(stopped="idle"), "Nothing was heard from the agent for 20 s"),
        (Ending(stopped="timeout"), "The agent did not finish within 25 s"),
        (
            Ending(result=said(subtype="error_max_turns", is_error=True)),
            "The agent used all of its 20 turns without finishing",
        ),
        (
            Ending(error=ProcessError("x", exit_code=1), stderr="cannot be used with root"),
            "The agent's process ended with exit code 1: cannot be used with root",
        ),
        (
            Ending(result=api_error(400, "too long: 300k", terminal_reason="prompt_too_long")),
            "The conversation no longer fits the model's context: too long: 300k",
        ),
    ],
)
def test_messages_say_what_happened(task_for, ending: Ending, message: str):
    result = outcome(task_for(), session_id="s", ending=ending, usage=Usage())
    assert result.failure is not None
    assert result.failure.message == message


def test_a_good_end_has_no_failure(task_for):
    result = outcome(task_for(), session_id="s", ending=Ending(result=said(stop_reason="end_turn")), usage=Usage())
    assert (result.failure, result.text, result.turns, result.duration_ms) == (None, "Done.", 3, 1200)
    assert result.stop_reason == "end_turn"


def test_a_structured_answer_needs_no_text(task_for):
    ending = Ending(result=said(result="", structured_output={"summary": "x"}))
    result = outcome(task_for(schema=SCHEMA), session_id="s", ending=ending, usage=Usage())
    assert (result.failure, result.structured) == (None, {"summary": "x"})


@pytest.mark.parametrize("answer", [None, [], "text"])
def test_a_success_without_the_structured_answer_is_a_failure(task_for, answer: Any):
    ending = Ending(result=said(structured_output=answer))
    result = outcome(task_for(schema=SCHEMA), session_id="s", ending=ending, usage=Usage())
    assert result.failure is not None
    assert result.failure.failure_class == "agent_error"


def test_a_lost_session_is_named(task_for):
    result = lost_session("abc")
    assert result.failure is not None
    assert "abc" in result.failure.message


def event(**values: Any) -> StreamEvent:
    return StreamEvent(uuid="u", session_id="s", event=values)


def test_usage_of_a_broken_conversation_comes_from_its_stream():
    tally = Tally()
    for output in (7, 5):
        tally.add(event(type="message_start", message={"usage": {"input_tokens": 100, "output_tokens": 1}}))
        tally.add(event(type="message_delta", usage={"output_tokens": output}))
    price = Price(input_usd=Decimal(1), output_usd=Decimal(10), cache_write_usd=Decimal(0), cache_read_usd=Decimal(0))
    usage = usage_of(tally, result=None, model="m-1", prices={"m": price})
    assert usage == Usage(requests=2, tokens=Tokens(input=200, output=12), cost_usd=Decimal("0.00032"))


def test_the_cli_s_own_figure_wins_and_an_unknown_price_is_no_cost():
    usage = usage_of(Tally(requests=1), result=said(usage={"input_tokens": 5}), model="m", prices={})
    assert usage == Usage(requests=1, tokens=Tokens(input=5), cost_usd=None)


def test_retries_are_counted_until_the_model_answers():
    tally = Tally()
    retry = SystemMessage(subtype="api_retry", data={})
    tally.add(retry)
    tally.add(retry)
    assert tally.retries_in_a_row == 2
    tally.add(AssistantMessage(content=[TextBlock(text="x")], model="<synthetic>", error="server_error"))
    assert tally.retries_in_a_row == 2
    tally.add(AssistantMessage(content=[TextBlock(text="x")], model="m"))
    assert tally.retries_in_a_row == 0
