"""Reads what a request used off its answer while that passes by. Nothing here can delay or change the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import orjson

from adw.domain.usage import Tokens
from adw.gateway.model_request import BYTES_PER_TOKEN

NO_TOKENS = Tokens()

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer says it used. `prompt_known` and `output_known` are False where it broke off before saying so."""

    tokens: Tokens = NO_TOKENS
    hour_cache_write: int = 0
    web_searches: int = 0
    prompt_known: bool = False
    output_known: bool = False


class Meter:
    """Fed with the bytes of one successful answer, as they come."""

    def __init__(self, *, content_type: str, readable: bool) -> None:
        self.streams = content_type.startswith("text/event-stream")
        self.ended = False
        """The answer said that it is complete."""
        self._readable = readable
        self._buffer = bytearray()
        self._usage: Json = {}
        self._delta_bytes = 0
        self._output_known = False

    def feed(self, chunk: bytes) -> None:
        if not self._readable:
            return
        self._buffer += chunk
        if self.streams:
            *lines, rest = bytes(self._buffer).split(b"\n")
            self._buffer = bytearray(rest)
            for line in lines:
                self._line(line)

    def end(self) -> None:
        """The answer's last byte has arrived."""
        if self._readable and not self.streams:
            message = _object(bytes(self._buffer))
            self._merge(message.get("usage"))
            self.ended = self._output_known = "output_tokens" in self._usage

    def reading(self) -> Reading:
        usage = self._usage
        seen = int(self._delta_bytes / BYTES_PER_TOKEN)
        said = _count(usage, "output_tokens")
        return Reading(
            tokens=Tokens(
                input=_count(usage, "input_tokens"),
                output=said if self._output_known else max(said, seen),
                cache_write=_count(usage, "cache_creation_input_tokens"),
                cache_read=_count(usage, "cache_read_input_tokens"),
            ),
            hour_cache_write=_count(_nested(usage, "cache_creation"), "ephemeral_1h_input_tokens"),
            web_searches=_count(_nested(usage, "server_tool_use"), "web_search_requests"),
            prompt_known="input_tokens" in usage,
            output_known=self._output_known,
        )

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        event = _object(line[5:])
        match event.get("type"):
            case "message_start":
                self._merge(_nested(event, "message").get("usage"))
            case "content_block_delta":
                self._delta_bytes += _text_size(_nested(event, "delta"))
            case "message_delta":
                self._merge(event.get("usage"))
                self._output_known = "output_tokens" in _nested(event, "usage")
            case "message_stop":
                self.ended = True
            case _:
                pass

    def _merge(self, usage: object) -> None:
        """Later numbers are totals, so the larger of two is the true one."""
        if not isinstance(usage, dict):
            return
        for name, value in cast("Json", usage).items():
            if isinstance(value, dict) or (isinstance(value, int) and value >= _count(self._usage, name)):
                self._usage[name] = value


def _object(text: bytes) -> Json:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return cast("Json", value) if isinstance(value, dict) else {}


def _nested(fields: Json, name: str) -> Json:
    value = fields.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _count(fields: Json, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _text_size(delta: Json) -> int:
    """Signatures count as well: thinking that is not shown still comes as one, and is paid for."""
    texts = [value for name, value in delta.items() if name != "type" and isinstance(value, str)]
    return sum(len(text.encode("utf-8", "replace")) for text in texts)
