"""Puts a streamed answer together from its events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

_STATUSES = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500, "invalid_request_error": 400}

Event = Mapping[str, Any]


class BrokenStreamError(Exception):
    """The answer ended early or is no answer. `status` is set when the API itself said why."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


@dataclass(slots=True)
class Answer:
    """One message of the model, complete once `stop_reason` is set and `is_complete`."""

    content: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stop_reason: str | None = None
    is_complete: bool = False
    _json: dict[int, str] = field(default_factory=dict[int, str])

    def take(self, event: Event) -> None:
        """Adds one event. Raises BrokenStreamError for an error the API reports in the stream."""
        match event.get("type"):
            case "content_block_start":
                self.content.append(dict(event["content_block"]))
            case "content_block_delta":
                self._grow(event["delta"], index=event["index"])
            case "message_delta":
                self.stop_reason = event["delta"].get("stop_reason") or self.stop_reason
            case "message_stop":
                self._finish()
            case "error":
                error = cast("Mapping[str, Any]", event.get("error") or {})
                status = _STATUSES.get(str(error.get("type")))
                raise BrokenStreamError(str(error.get("message") or "the model API failed"), status=status)
            case _:
                pass

    def _grow(self, delta: Mapping[str, Any], *, index: int) -> None:
        block = self.content[index]
        match delta.get("type"):
            case "input_json_delta":
                self._json[index] = self._json.get(index, "") + delta["partial_json"]
            case "text_delta":
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case _:
                pass

    def _finish(self) -> None:
        for index, text in self._json.items():
            self.content[index]["input"] = None if self._is_cut(text) else orjson.loads(text or "{}")
        self.content = [block for block in self.content if block.get("input", {}) is not None]
        self.is_complete = True

    def _is_cut(self, text: str) -> bool:
        """A call that the token limit cut off cannot be read, and is none."""
        if self.stop_reason != "max_tokens":
            return False
        try:
            orjson.loads(text or "{}")
        except orjson.JSONDecodeError:
            return True
        return False


async def events_of(lines: AsyncIterator[str]) -> AsyncGenerator[Event, None]:
    """The events of a stream. Raises BrokenStreamError for anything else."""
    async for line in lines:
        if not line.startswith("data:"):
            continue
        try:
            event = orjson.loads(line[5:])
        except orjson.JSONDecodeError as error:
            raise BrokenStreamError("the stream of the model API cannot be read") from error
        if isinstance(event, dict):
            yield cast("Event", event)
