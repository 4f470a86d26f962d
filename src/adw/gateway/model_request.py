"""A request to a model as the agent wrote it: what it may cost at most, and the same with fewer output tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson

BYTES_PER_TOKEN: Final = 2.5
"""Prose has about four bytes a token, code and JSON three, less with newer tokenizers: estimates err upwards."""
IMAGE_TOKENS: Final = 6000
"""More than any one image costs; its base64 text says nothing about that."""
LEAST_THINKING_TOKENS: Final = 1024

Json = dict[str, Any]


class UnreadableRequestError(ValueError):
    """The body is not a request to the Messages API"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call of `POST /v1/messages`. Token numbers are upper bounds."""

    model: str
    stream: bool
    fast: bool
    max_tokens: int
    prompt_tokens: int
    writes_cache: bool
    writes_hour_cache: bool
    body: bytes = field(repr=False)

    def body_with(self, max_tokens: int, *, model: str | None = None) -> bytes:
        """The body to forward: byte for byte the agent's, unless it gets fewer output tokens or another model."""
        if max_tokens >= self.max_tokens and model in {None, self.model}:
            return self.body
        # The standard parser here, because text cut in the middle of a surrogate pair survives only that.
        lowered: Json = json.loads(self.body) | {
            "max_tokens": min(max_tokens, self.max_tokens),
            "model": model or self.model,
        }
        thinking = lowered.get("thinking")
        if max_tokens < self.max_tokens and isinstance(thinking, dict) and "budget_tokens" in thinking:
            lowered["thinking"] = _thinking_within(max_tokens, cast("Json", thinking))
        return json.dumps(lowered, separators=(",", ":")).encode()


def parse_request(body: bytes) -> ModelRequest:
    """Raises `UnreadableRequestError` saying what the model API would object to as well."""
    document = _parsed(body)
    if not isinstance(document, dict):
        raise UnreadableRequestError("the request body must be an object")
    fields = cast("Json", document)
    model, max_tokens = fields.get("model"), fields.get("max_tokens")
    if not isinstance(model, str) or not model:
        raise UnreadableRequestError("model: Field required")
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise UnreadableRequestError("max_tokens: Input should be a positive integer")
    caches = b'"cache_control"' in body
    return ModelRequest(
        model=model,
        stream=fields.get("stream") is True,
        fast=fields.get("speed") == "fast",
        max_tokens=max_tokens,
        prompt_tokens=_prompt_tokens(fields, size=len(body)),
        writes_cache=caches,
        writes_hour_cache=caches and _mentions_hour(body),
        body=body,
    )


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableRequestError("the request body is not valid JSON") from error


def _mentions_hour(body: bytes) -> bool:
    return b'"ttl":"1h"' in body or b'"ttl": "1h"' in body


def _prompt_tokens(document: Json, *, size: int) -> int:
    images = _image_sizes(document.get("messages"))
    return int((size - sum(images)) / BYTES_PER_TOKEN) + 1 + IMAGE_TOKENS * len(images)


def _image_sizes(value: object) -> list[int]:
    """Lengths of the base64 texts of images, at any depth: tool results hold them too."""
    sizes: list[int] = []
    waiting: list[object] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(cast("list[object]", node))
        elif isinstance(node, dict):
            fields = cast("Json", node)
            size = _image_size(fields)
            if size is None:
                waiting.append(fields.get("content"))
            else:
                sizes.append(size)
    return sizes


def _image_size(block: Json) -> int | None:
    source = block.get("source")
    if block.get("type") != "image" or not isinstance(source, dict):
        return None
    data = cast("Json", source).get("data")
    return len(data) if isinstance(data, str) else 0


def _thinking_within(max_tokens: int, thinking: Json) -> Json:
    """The API wants the thinking budget below `max_tokens`, and at least 1,024; where both cannot be, no thinking."""
    if max_tokens <= LEAST_THINKING_TOKENS:
        return {"type": "disabled"}
    room = max(LEAST_THINKING_TOKENS, max_tokens - LEAST_THINKING_TOKENS)
    return thinking | {"budget_tokens": min(int(thinking["budget_tokens"]), room)}
