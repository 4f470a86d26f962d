"""A Messages API request, read into the facts that rules match on. The same bytes always give the same view."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from adw.agents.scripted_model.injected import reminders_in, without_injections, without_reminders

Json = Mapping[str, Any]

RETRY_HEADER = "x-stainless-retry-count"

_ROLE = re.compile(r"^ADW role: *(\S+) *$", re.MULTILINE)
_PHASE = re.compile(r"^ADW phase: *(\S+) *$", re.MULTILINE)
_CWD = re.compile(r"(?:Primary w|W)orking directory: *(\S.*?) *$", re.MULTILINE)
_ASKED = ("metadata", "model", "system", "messages", "tools")
_CHARACTERS_PER_TOKEN = 4


class BadRequestError(ValueError):
    """The body is not a Messages API request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """What a request says, as far as rules can ask about it."""

    digest: str
    """Names this very request: what is asked of which model in which session, however it is to be sent."""
    model: str
    stream: bool
    retry: int
    role: str | None
    phase: str | None
    cwd: str | None
    prompt: str
    """The text of the last prompt that a person or program really sent."""
    all_text: str
    step: int
    """Answers given since that prompt."""
    turn: int
    """Prompts so far."""
    last_tool: str | None
    tool_result: str
    tool_error: bool
    tools: frozenset[str]
    input_tokens: int


def read_request(body: bytes, *, headers: Mapping[str, str]) -> RequestView:
    """Raises BadRequestError when the body is not JSON with a list of messages."""
    data = _parse(body)
    messages = [_as_json(item) for item in _items(data.get("messages"))]
    system = "\n".join([_text_of(data.get("system")), *(_text_of(m.get("content")) for m in messages if _is_system(m))])
    asked = [index for index, message in enumerate(messages) if _prompt_of(message)]
    since = messages[asked[-1] + 1 :] if asked else messages
    results = _last_results(since)
    return RequestView(
        digest=_digest(data),
        model=str(data.get("model", "")),
        stream=data.get("stream") is True,
        retry=_number(headers.get(RETRY_HEADER)),
        role=_first(_ROLE, system),
        phase=_first(_PHASE, system),
        cwd=_first(_CWD, system) or _first(_CWD, "\n".join(reminders_in(_text_of(m.get("content"))) for m in messages)),
        prompt=_prompt_of(messages[asked[-1]]) if asked else "",
        all_text="\n".join([_text_of(data.get("system")), *(_text_of(m.get("content")) for m in messages)]),
        step=sum(message.get("role") == "assistant" for message in since),
        turn=len(asked),
        last_tool=_tool_name(messages, results[-1].get("tool_use_id")) if results else None,
        tool_result="\n".join(without_reminders(_text_of(result.get("content"))) for result in results),
        tool_error=any(result.get("is_error") is True for result in results),
        tools=frozenset(str(_as_json(tool).get("name")) for tool in _items(data.get("tools"))),
        input_tokens=count_tokens([data.get("system"), data.get("messages"), data.get("tools")]),
    )


def count_tokens(value: Any) -> int:
    """A deterministic estimate: a quarter of the characters, at least one."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return max(1, len(text) // _CHARACTERS_PER_TOKEN)


def _parse(body: bytes) -> Json:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(cast("Json", data).get("messages"), list):
        raise BadRequestError("messages: a list is required")
    return cast("Json", data)


def _digest(data: Json) -> str:
    # A repeat may come without streaming or with another token limit; it is still the same question.
    same = {key: data[key] for key in _ASKED if key in data}
    return hashlib.sha256(orjson.dumps(same, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _as_json(value: Any) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _is_system(message: Json) -> bool:
    return message.get("role") == "system"


def _text_of(content: Any) -> str:
    """The readable text of a content field: a string, text blocks, and what is inside tool results."""
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for block in map(_as_json, _items(content)):
        if block.get("type") == "text":
            texts.append(str(block.get("text", "")))
        elif block.get("type") == "tool_result":
            texts.append(_text_of(block.get("content")))
    return "\n".join(texts)


def _prompt_of(message: Json) -> str:
    """What a user message asks; empty for tool results, injected texts and messages of other roles."""
    if message.get("role") != "user":
        return ""
    content = message.get("content")
    texts = (
        [content]
        if isinstance(content, str)
        else [str(block.get("text", "")) for block in map(_as_json, _items(content)) if block.get("type") == "text"]
    )
    return "\n".join(said for text in texts if (said := without_injections(text)))


def _last_results(messages: list[Json]) -> list[Json]:
    """The tool results that came after the last answer, in order."""
    after = 1 + max((i for i, m in enumerate(messages) if m.get("role") == "assistant"), default=-1)
    blocks = [_as_json(block) for message in messages[after:] for block in _items(message.get("content"))]
    return [block for block in blocks if block.get("type") == "tool_result"]


def _tool_name(messages: list[Json], tool_use_id: Any) -> str | None:
    for message in reversed(messages):
        for block in map(_as_json, _items(message.get("content"))):
            if block.get("type") == "tool_use" and block.get("id") == tool_use_id:
                return str(block.get("name"))
    return None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1) if found else None


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
