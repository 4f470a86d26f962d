"""Every event in one line, by rules alone: what a list, a log or an agent shows of it. No model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adw.domain.events import Event, EventType

HEADLINE_CHARS = 160
_READ_CHARS = 4 * HEADLINE_CHARS
"""Of a long text no more than this is looked at."""
_SHOWN_NAMES = 5


def headline(kind: EventType, *, phase: str | None, message: str, data: Mapping[str, Any]) -> str:
    """One line of at most 160 characters, never empty, the same whenever it is asked for."""
    said = " ".join(message[:_READ_CHARS].split())
    told = _RULES.get(kind, _as_said)(kind, phase, said, data)
    return told if len(told) <= HEADLINE_CHARS else f"{told[: HEADLINE_CHARS - 1]}…"


def headline_of(event: Event) -> str:
    return headline(event.type, phase=event.phase, message=event.message, data=event.data)


def _as_said(kind: EventType, phase: str | None, said: str, _data: Mapping[str, Any]) -> str:
    return said or (f"{phase}: {_named(kind)}" if phase else _named(kind))


def _failed(kind: EventType, phase: str | None, said: str, data: Mapping[str, Any]) -> str:
    what = f"{phase} failed" if kind is EventType.PHASE_FAILED and phase else _named(kind)
    return f"{what}: {said}" if said else _as_said(kind, phase, said, data)


def _updated(kind: EventType, phase: str | None, said: str, data: Mapping[str, Any]) -> str:
    if said or not data:
        return _as_said(kind, phase, said, data)
    names = [name.replace("_", " ") for name in data]
    more = "" if len(names) <= _SHOWN_NAMES else f" and {len(names) - _SHOWN_NAMES} more"
    return f"changed: {', '.join(names[:_SHOWN_NAMES])}{more}"


def _gate(kind: EventType, _phase: str | None, said: str, data: Mapping[str, Any]) -> str:
    outcome = str(data.get("outcome") or ("passed" if kind is EventType.GATE_PASSED else "failed")).replace("_", " ")
    gate = f"gate {data['gate']}" if data.get("gate") else "gate"
    return f"{gate} {outcome}: {said}" if said else f"{gate} {outcome}"


def _speech(kind: EventType, _phase: str | None, said: str, data: Mapping[str, Any]) -> str:
    verb = {EventType.AGENT_THINKING: " thinks", EventType.AGENT_TOOL_RESULT: " got"}.get(kind, "")
    if data.get("isError"):
        verb += " an error"
    return f"{data.get('role') or 'agent'}{verb}: {said or '(nothing)'}"


def _named(kind: EventType) -> str:
    return kind.value.replace("_", " ")


_Rule = Callable[[EventType, str | None, str, Mapping[str, Any]], str]

_RULES: Mapping[EventType, _Rule] = {
    EventType.WORKFLOW_UPDATED: _updated,
    EventType.WORKFLOW_FAILED: _failed,
    EventType.PHASE_FAILED: _failed,
    EventType.GATE_PASSED: _gate,
    EventType.GATE_FAILED: _gate,
    EventType.AGENT_TEXT: _speech,
    EventType.AGENT_THINKING: _speech,
    EventType.AGENT_TOOL_USE: _speech,
    EventType.AGENT_TOOL_RESULT: _speech,
}
"""Those whose message needs a word in front of it; all others are told by their message."""
