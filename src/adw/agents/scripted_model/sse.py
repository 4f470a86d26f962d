"""A message as the server-sent events of a streaming answer, in the order the API sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from adw.agents.scripted_model.answer import Answer

_DELTA_CHARACTERS = 64


def encode(event: Mapping[str, Any]) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"


def opening(answer: Answer) -> bytes:
    """The start of the message: it already tells the input tokens, and one token of output."""
    message: dict[str, Any] = answer.as_message() | {
        "content": [],
        "stop_reason": None,
        "usage": dict(answer.usage) | {"output_tokens": min(1, answer.usage["output_tokens"])},
    }
    return encode({"type": "message_start", "message": message}) + encode({"type": "ping"})


def contents(answer: Answer) -> Iterator[bytes]:
    """The content blocks, a chunk per event."""
    for index, block in enumerate(answer.content):
        yield encode({"type": "content_block_start", "index": index, "content_block": _hollow(block)})
        for delta in _deltas(block):
            yield encode({"type": "content_block_delta", "index": index, "delta": delta})
        yield encode({"type": "content_block_stop", "index": index})


def closing(answer: Answer) -> bytes:
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    usage = dict(answer.usage)
    return encode({"type": "message_delta", "delta": delta, "usage": usage}) + encode({"type": "message_stop"})


def _hollow(block: Mapping[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) for key, value in block.items()}


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if block["type"] == "text":
        for piece in _pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
    elif block["type"] == "thinking":
        for piece in _pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for piece in _pieces(orjson.dumps(block["input"]).decode()):
            yield {"type": "input_json_delta", "partial_json": piece}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _DELTA_CHARACTERS):
        yield text[start : start + _DELTA_CHARACTERS]
