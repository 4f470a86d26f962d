"""Conversations as Markdown for people.

Everything an agent, a tool or an issue said stands in a fence longer than any run of backticks in it, with control
characters made visible: it cannot end its fence, become markup, load an image or steer a terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from adw.api.views.transcript import ConversationView, TranscriptItem, TranscriptView

MOST_RESULT_LINES = 40
MOST_RESULT_CHARS = 4_000

_RUNS = re.compile(r"`+")
_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TITLES = {"prompt": "Prompt", "text": "Answer", "tool_result": "Result", "note": "Note"}
_ONE_LINE = 200


def transcript_markdown(view: TranscriptView) -> str:
    """The whole transcript as one document."""
    number = "" if view.issue_number is None else f" (#{view.issue_number})"
    lines = [
        f"# Transcript of workflow {view.adw_id}",
        "",
        f"{_code(view.issue_title)}{number}, {_code(view.workflow_type)}, {view.status}",
    ]
    if not view.conversations:
        lines += ["", "No conversation was held."]
    for position, conversation in enumerate(view.conversations, start=1):
        lines += ["", *_conversation(position, conversation)]
    return "\n".join(lines) + "\n"


def fenced(text: str, *, language: str = "text") -> list[str]:
    """The text in a fence that nothing in it can end."""
    shown = _visible(text)
    longest = max((len(run) for run in _RUNS.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *shown.rstrip("\n").split("\n"), fence]


def _conversation(position: int, view: ConversationView) -> Iterator[str]:
    rounds = f", round {view.round}" if view.round else ""
    yield f"## {position}. {view.role} in {view.phase}, attempt {view.attempt}{rounds}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, value in _facts(view).items():
        yield f"| {name} | {value} |"
    if view.source == "events":
        yield from ("", "Read from the workflow's events: prompts are not among them, and long texts are cut.")
    elif view.source == "none":
        yield from ("", "Nothing of what was said was kept.")
    side: str | None = None
    for item in view.items:
        if item.side != side and item.side is not None:
            yield from ("", f"### Side conversation {_code(item.side)}")
        side = item.side
        yield ""
        yield from _item(item)
    yield from _ending(view)


def _facts(view: ConversationView) -> Mapping[str, str]:
    used = view.usage
    cost = "unknown" if used.cost_usd is None else f"${used.cost_usd:.4f}"
    resumed = f", resumed {view.retry_count} times" if view.retry_count else ""
    return {
        "model": _code(view.model or "unknown"),
        "started": f"{view.started_at:%Y-%m-%d %H:%M:%S} UTC, took {view.duration_ms / 1000:.1f} s{resumed}",
        "outcome": view.outcome,
        "tokens": f"{used.input_tokens} in, {used.output_tokens} out, {used.requests} requests, {view.turns} turns",
        "cost": cost,
    }


def _item(item: TranscriptItem) -> Iterator[str]:
    if item.kind == "thinking":
        yield from ("<details><summary>Thinking</summary>", "", *fenced(item.text), "", "</details>")
        return
    if item.kind == "tool_use":
        yield f"**Tool** {_code(item.tool or 'a tool')}"
        yield from _input(item.input or {})
        return
    failed = " (failed)" if item.is_error else ""
    yield f"**{_TITLES[item.kind]}**{failed}"
    yield ""
    yield from fenced(_shortened(item.text) if item.kind == "tool_result" else item.text)


def _input(given: Mapping[str, Any]) -> Iterator[str]:
    """Short values together as JSON, each long text in a fence of its own."""
    long = {key: value for key, value in given.items() if isinstance(value, str) and "\n" in value}
    short = {key: value for key, value in given.items() if key not in long}
    if short:
        yield ""
        yield from fenced(json.dumps(short, ensure_ascii=False, indent=2), language="json")
    for key, value in long.items():
        yield from ("", f"{_code(key)}:", "", *fenced(_shortened(value)))


def _ending(view: ConversationView) -> Iterator[str]:
    if view.output_json is not None:
        answer = json.dumps(view.output_json, ensure_ascii=False, indent=2)
        yield from ("", "**Structured answer**", "", *fenced(answer, language="json"))
    if view.error_message is not None:
        yield from ("", f"**Failed** ({view.failure_class or 'unknown'})", "", *fenced(view.error_message))


def _shortened(text: str) -> str:
    """The beginning, with what is left out counted."""
    lines = text.split("\n")
    shown = "\n".join(lines[:MOST_RESULT_LINES])[:MOST_RESULT_CHARS]
    if len(shown) == len(text):
        return text
    return f"{shown}\n… ({len(lines)} lines, {len(text)} characters in all)"


def _code(text: str) -> str:
    """One line as a code span that nothing in it can end, fit for a table's cell."""
    line = " ".join(_visible(text).split()).replace("|", "¦")[:_ONE_LINE]
    longest = max((len(run) for run in _RUNS.findall(line)), default=0)
    mark = "`" * (longest + 1)
    return f"{mark} {line} {mark}" if longest else f"`{line or ' '}`"


def _visible(text: str) -> str:
    return _CONTROLS.sub(_named, _NEWLINES.sub("\n", text))


def _named(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"
