"""Reads what was said out of stored sessions, or out of events where no session was kept.

Sessions are written by the agents' own program, whose format may grow: what is not understood is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from adw.api.views.transcript import ItemKind, TranscriptItem
from adw.domain.events import Event, EventType

MOST_CHARS = 100_000
MOST_TOOL_CHARS = 16_000

_EVENT_KINDS: Mapping[EventType, ItemKind] = {
    EventType.AGENT_TEXT: "text",
    EventType.AGENT_THINKING: "thinking",
    EventType.AGENT_TOOL_USE: "tool_use",
    EventType.AGENT_TOOL_RESULT: "tool_result",
}
SPEAKING = (EventType.AGENT_STARTED, *_EVENT_KINDS)
"""The events that `spoken_in_events` reads."""

Json = Mapping[str, Any]


def spoken_in_session(bodies: Iterable[str], *, side: str | None = None) -> Iterator[TranscriptItem]:
    """The items of a stored session, given as JSON text, one entry each."""
    at: datetime | None = None
    for body in bodies:
        entry = _object(_parsed(body))
        at = _moment(entry.get("timestamp")) or at
        where = side or ("side" if entry.get("isSidechain") is True else None)
        for item in _items(entry):
            yield item.model_copy(update={"at": at, "side": where})


def spoken_in_events(events: Iterable[Event]) -> Mapping[str, list[TranscriptItem]]:
    """The items of each session, by its id. Prompts are not among events."""
    sessions: dict[tuple[str | None, str], str] = {}
    said: dict[str, list[TranscriptItem]] = {}
    for event in events:
        speaker = (event.phase, str(event.data.get("role")))
        if event.type is EventType.AGENT_STARTED:
            sessions[speaker] = str(event.data.get("sessionId"))
            continue
        session, kind = sessions.get(speaker), _EVENT_KINDS.get(event.type)
        if session is not None and kind is not None:
            said.setdefault(session, []).append(_of_event(event, kind))
    return said


def _of_event(event: Event, kind: ItemKind) -> TranscriptItem:
    tool, given = event.data.get("tool"), event.data.get("input")
    return TranscriptItem(
        kind=kind,
        at=event.created_at,
        text="" if kind == "tool_use" else _text(event.message),
        tool=None if tool is None else str(tool),
        tool_use_id=_optional(event.data.get("toolUseId")),
        input=_object(_clean(given)) if given is not None else None,
        is_error=event.data.get("isError") is True,
    )


def _items(entry: Json) -> Iterator[TranscriptItem]:
    if entry.get("isMeta") is True:
        return
    content = _object(entry.get("message")).get("content")
    match entry.get("type"):
        case "user":
            yield from _asked(content)
        case "assistant":
            is_error = entry.get("isApiErrorMessage") is True
            yield from (item for block in _blocks(content) for item in _answered(block, is_error=is_error))
        case "system" if entry.get("subtype") == "compact_boundary":
            yield TranscriptItem(kind="note", at=None, text="The conversation so far was summarised.")
        case _:
            return


def _asked(content: object) -> Iterator[TranscriptItem]:
    for block in _blocks(content):
        match block.get("type"):
            case "text":
                yield TranscriptItem(kind="prompt", at=None, text=_text(block.get("text")))
            case "tool_result":
                yield TranscriptItem(
                    kind="tool_result",
                    at=None,
                    text=_text(_result(block.get("content")), most=MOST_TOOL_CHARS),
                    tool_use_id=_optional(block.get("tool_use_id")),
                    is_error=block.get("is_error") is True,
                )
            case other:
                yield TranscriptItem(kind="note", at=None, text=_text(f"[{other}]"))


def _answered(block: Json, *, is_error: bool) -> Iterator[TranscriptItem]:
    match block.get("type"):
        case "text":
            yield TranscriptItem(
                kind="note" if is_error else "text", at=None, text=_text(block.get("text")), is_error=is_error
            )
        case "thinking":
            yield TranscriptItem(kind="thinking", at=None, text=_text(block.get("thinking")))
        case "tool_use" | "server_tool_use":
            yield TranscriptItem(
                kind="tool_use",
                at=None,
                tool=_text(block.get("name")),
                tool_use_id=_optional(block.get("id")),
                input=_object(_clean(block.get("input"))),
            )
        case other:
            yield TranscriptItem(kind="note", at=None, text=_text(f"[{other}]"))


def _blocks(content: object) -> Iterator[Json]:
    """Content is either a text or a list of blocks."""
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (_object(block) for block in cast("list[object]", content))


def _result(content: object) -> str:
    return "\n".join(str(b["text"]) if "text" in b else f"[{b.get('type')}]" for b in _blocks(content))


def _clean(value: object) -> object:
    """With every text in it as `_text` gives it."""
    if isinstance(value, str):
        return _text(value, most=MOST_TOOL_CHARS)
    if isinstance(value, Mapping):
        return {_text(key): _clean(each) for key, each in cast("Json", value).items()}
    if isinstance(value, list):
        return [_clean(each) for each in cast("list[object]", value)]
    return value


def _text(value: object, *, most: int = MOST_CHARS) -> str:
    """At most so many characters, none of them half of one, which no answer could carry."""
    text = "" if value is None else str(value)
    cut = text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"
    return cut.encode("utf-8", "replace").decode()


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, Mapping) else {}


def _parsed(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
