"""A reply filled in for one request: the message the API would send. Ids and counts derive from the request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adw.agents.scripted_model.matching import Choice
from adw.agents.scripted_model.request import RequestView, count_tokens
from adw.agents.scripted_model.scenario import Block, Reply
from adw.agents.scripted_model.template import render

STRUCTURED_OUTPUT_TOOL = "StructuredOutput"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One message: its content blocks in the API's own shape, why it stops, and what it used."""

    message_id: str
    model: str
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    usage: Mapping[str, int]

    def as_message(self) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "usage": dict(self.usage),
        }


def build_answer(choice: Choice, view: RequestView) -> Answer:
    """Raises template.MissingValueError when a template needs a value this request does not have."""
    message_id = "msg_" + _short_hash(view.digest, "stream" if view.stream else "whole")
    blocks = _blocks_of(choice.reply)
    content = tuple(
        _content_block(block, values=choice.values, block_id=_short_hash(message_id, str(index)))
        for index, block in enumerate(blocks)
    )
    if choice.reply.fault == "truncate":
        content = _truncated(content)
    return Answer(
        message_id=message_id,
        model=view.model,
        content=content,
        stop_reason=_stop_reason(choice.reply, content),
        usage=_usage(choice.reply, view, content),
    )


def output_tokens(content: tuple[Mapping[str, Any], ...]) -> int:
    return sum(
        count_tokens(block.get("text") or block.get("thinking") or block.get("input") or "") for block in content
    )


def _blocks_of(reply: Reply) -> list[Block]:
    return [] if reply.fault in ("empty", "refusal") else reply.blocks


def _content_block(block: Block, *, values: Mapping[str, str | None], block_id: str) -> Mapping[str, Any]:
    if block.text is not None:
        return {"type": "text", "text": render(block.text, values=values)}
    if block.thinking is not None:
        return {"type": "thinking", "thinking": render(block.thinking, values=values), "signature": block_id}
    name = block.tool.name if block.tool else STRUCTURED_OUTPUT_TOOL
    arguments = block.tool.input if block.tool else block.structured
    return {"type": "tool_use", "id": f"toolu_{block_id}", "name": name, "input": render(arguments, values=values)}


def _truncated(content: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    """The first half of the first text, as when the token limit cuts it off."""
    text = next((str(block["text"]) for block in content if block["type"] == "text"), "I will ")
    return ({"type": "text", "text": text[: max(1, len(text) // 2)]},)


def _stop_reason(reply: Reply, content: tuple[Mapping[str, Any], ...]) -> str:
    if reply.stop_reason is not None:
        return reply.stop_reason
    if reply.fault in ("truncate", "refusal"):
        return "max_tokens" if reply.fault == "truncate" else "refusal"
    return "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"


def _usage(reply: Reply, view: RequestView, content: tuple[Mapping[str, Any], ...]) -> dict[str, int]:
    counted = {
        "input_tokens": view.input_tokens,
        "output_tokens": output_tokens(content),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
    return counted | reply.usage.model_dump(exclude_none=True)


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]
