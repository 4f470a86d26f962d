"""What the SDK says, as `AgentMessage`s. Pure; kinds we do not know are ignored, so newer CLIs stay usable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claude_agent_sdk import (
    AssistantMessage,
    ContentBlock,
    Message,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UserMessage,
)

from adw.domain.agent import AgentMessage


def translate(message: Message) -> list[AgentMessage]:
    """The messages to pass on, often one, sometimes none.

    One API message arrives as several assistant messages, one for each content block; tool results arrive as
    user messages. An assistant message that carries an API error is left to the outcome.
    """
    match message:
        case AssistantMessage(error=None):
            return [said for block in message.content for said in _said(block)]
        case UserMessage(content=list() as blocks):
            return [_tool_result(block) for block in blocks if isinstance(block, ToolResultBlock)]
        case StreamEvent():
            return _delta(message)
        case SystemMessage(subtype="api_retry"):
            return [AgentMessage(kind="retry", text=_retry_text(message.data), is_error=True)]
        case _:
            return []


def _said(block: ContentBlock) -> list[AgentMessage]:
    match block:
        case TextBlock() if block.text:
            return [AgentMessage(kind="text", text=block.text)]
        case ThinkingBlock() if block.thinking:
            return [AgentMessage(kind="thinking", text=block.thinking)]
        case ToolUseBlock():
            return [
                AgentMessage(kind="tool_use", tool_use_id=block.id, tool_name=block.name, tool_input=dict(block.input))
            ]
        case _:
            return []


def _tool_result(block: ToolResultBlock) -> AgentMessage:
    return AgentMessage(
        kind="tool_result",
        tool_use_id=block.tool_use_id,
        text=_result_text(block.content),
        is_error=block.is_error is True,
    )


def _result_text(content: str | Sequence[dict[str, Any]] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part["text"]) if "text" in part else f"[{part.get('type', 'data')}]" for part in content)


def _delta(event: StreamEvent) -> list[AgentMessage]:
    """A piece of an answer; text for what will be said, nothing for what only shows that more is on its way."""
    if event.event.get("type") not in {"message_start", "content_block_delta"}:
        return []
    delta = event.event.get("delta")
    text = delta.get("text") if isinstance(delta, dict) and delta.get("type") == "text_delta" else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return [AgentMessage(kind="delta", text=text if isinstance(text, str) else "")]


def _retry_text(data: dict[str, Any]) -> str:
    status = data.get("error_status")
    reason = f"HTTP {status}" if status is not None else "no connection"
    delay_ms = data.get("retry_delay_ms")
    wait = f", waiting {delay_ms / 1000:.1f} s" if isinstance(delay_ms, int | float) else ""
    return f"Model request failed ({reason}); attempt {data.get('attempt')} of {data.get('max_retries')}{wait}"
