from __future__ import annotations

from typing import Any

import pytest
from claude_agent_sdk import (
    AssistantMessage,
    ResultMessage,
    ServerToolUseBlock,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UserMessage,
)

from adw.agents.translate import translate
from adw.domain.agent import AgentMessage

RETRY = {"attempt": 2, "max_retries": 4, "retry_delay_ms": 1500, "error_status": 529}


def assistant(*blocks: Any, error: Any = None) -> AssistantMessage:
    return AssistantMessage(content=list(blocks), model="m", error=error)


def event(**values: Any) -> StreamEvent:
    return StreamEvent(uuid="u", session_id="s", event=values)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (assistant(TextBlock(text="hi")), [AgentMessage(kind="text", text="hi")]),
        (assistant(TextBlock(text="")), []),
        (assistant(ThinkingBlock(thinking="hm", signature="s")), [AgentMessage(kind="thinking", text="hm")]),
        (
            assistant(TextBlock(text="a"), ToolUseBlock(id="t1", name="Read", input={"file_path": "x"})),
            [
                AgentMessage(kind="text", text="a"),
                AgentMessage(kind="tool_use", tool_use_id="t1", tool_name="Read", tool_input={"file_path": "x"}),
            ],
        ),
        (assistant(TextBlock(text="API Error: 529"), error="server_error"), []),
        (assistant(ServerToolUseBlock(id="x", name="web_search", input={})), []),
        (
            UserMessage(content=[ToolResultBlock(tool_use_id="t1", content="out", is_error=None)]),
            [AgentMessage(kind="tool_result", tool_use_id="t1", text="out")],
        ),
        (
            UserMessage(
                content=[
                    ToolResultBlock(
                        tool_use_id="t1", content=[{"type": "text", "text": "a"}, {"type": "image"}], is_error=True
                    )
                ]
            ),
            [AgentMessage(kind="tool_result", tool_use_id="t1", text="a\n[image]", is_error=True)],
        ),
        (
            UserMessage(content=[ToolResultBlock(tool_use_id="t1", content=None)]),
            [AgentMessage(kind="tool_result", tool_use_id="t1")],
        ),
        (UserMessage(content="[structured-output-enforce]"), []),
        (UserMessage(content=[TextBlock(text="a reminder")]), []),
        (
            event(type="content_block_delta", delta={"type": "text_delta", "text": "pie"}),
            [AgentMessage(kind="delta", text="pie")],
        ),
        (
            event(type="content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}),
            [AgentMessage(kind="delta")],
        ),
        (event(type="content_block_delta", delta={"type": "thinking_delta"}), [AgentMessage(kind="delta")]),
        (event(type="content_block_delta"), [AgentMessage(kind="delta")]),
        (event(type="message_start", message={}), [AgentMessage(kind="delta")]),
        (event(type="message_stop"), []),
        (
            SystemMessage(subtype="api_retry", data=RETRY),
            [
                AgentMessage(
                    kind="retry",
                    text="Model request failed (HTTP 529); attempt 2 of 4, waiting 1.5 s",
                    is_error=True,
                )
            ],
        ),
        (
            SystemMessage(subtype="api_retry", data={"attempt": 1, "max_retries": 4}),
            [AgentMessage(kind="retry", text="Model request failed (no connection); attempt 1 of 4", is_error=True)],
        ),
        (SystemMessage(subtype="init", data={}), []),
        (SystemMessage(subtype="a_kind_of_tomorrow", data={}), []),
        (
            ResultMessage(
                subtype="success", duration_ms=1, duration_api_ms=1, is_error=False, num_turns=1, session_id="s"
            ),
            [],
        ),
    ],
)
def test_each_kind_of_message(message: Any, expected: list[AgentMessage]):
    assert translate(message) == expected
