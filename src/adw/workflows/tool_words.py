"""What an agent's tool call does, in one line for a person: `Read tally/statement.py`, `Bash python -m pytest -q`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

MAX_CHARS = 160

_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "Read": ("file_path",),
    "Write": ("file_path",),
    "Edit": ("file_path",),
    "MultiEdit": ("file_path",),
    "NotebookEdit": ("notebook_path",),
    "Bash": ("command",),
    "Glob": ("pattern", "path"),
    "Grep": ("pattern", "path"),
    "LS": ("path",),
    "WebFetch": ("url",),
    "WebSearch": ("query",),
    "Task": ("description",),
}
"""Which inputs of a tool say what it is about, in the order they are told."""
_USUAL = ("file_path", "path", "command", "pattern", "url", "query", "description")
_PATHS = frozenset({"file_path", "notebook_path", "path"})


def describe_tool(name: str, tool_input: Mapping[str, Any] | None, *, cwd: str | None = None) -> str:
    """The tool's name and what it is about, at most 160 characters; paths below `cwd` are told relative to it."""
    given = tool_input or {}
    keys = _SUBJECTS.get(name) or next(((key,) for key in _USUAL if isinstance(given.get(key), str)), ())
    parts = [_part(key, given[key], cwd) for key in keys if isinstance(given.get(key), str)]
    line = " ".join(" ".join([name.strip() or "a tool", *parts]).split())
    return line if len(line) <= MAX_CHARS else f"{line[: MAX_CHARS - 1].rstrip()}…"


def _part(key: str, value: str, cwd: str | None) -> str:
    if key not in _PATHS or cwd is None:
        return value
    path = PurePosixPath(value)
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else value
