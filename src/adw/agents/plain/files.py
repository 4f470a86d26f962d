"""Reading and changing files, one at a time. Paths were judged before; what is opened is what was judged."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LINES = 2000
_LINE_LENGTH = 2000
_MAX_READ_BYTES = 8 << 20


class ToolError(Exception):
    """A call that cannot be carried out, in words for the agent."""


def resolve(given: str, *, cwd: Path) -> Path:
    """The place a path names, symbolic links followed."""
    return (cwd / Path(given).expanduser()).resolve()


def read(tool_input: Mapping[str, Any], *, cwd: Path) -> str:
    """The lines asked for, numbered."""
    path = resolve(tool_input["file_path"], cwd=cwd)
    lines = _text_of(path).splitlines()
    first = max(1, int(tool_input.get("offset") or 1))
    count = int(tool_input.get("limit") or _LINES)
    chosen = lines[first - 1 : first - 1 + count]
    if not chosen:
        return "The file is empty." if not lines else f"The file has only {len(lines)} lines."
    return "\n".join(f"{first + index:6}\t{line[:_LINE_LENGTH]}" for index, line in enumerate(chosen))


def write(tool_input: Mapping[str, Any], *, cwd: Path) -> str:
    """Writes the whole file."""
    path = resolve(tool_input["file_path"], cwd=cwd)
    path.parent.mkdir(parents=True, exist_ok=True)
    _store(path, tool_input["content"])
    return f"Wrote {path}"


def edit(tool_input: Mapping[str, Any], *, cwd: Path) -> str:
    """Replaces a text of the file, once or everywhere."""
    path = resolve(tool_input["file_path"], cwd=cwd)
    old, new = tool_input["old_string"], tool_input["new_string"]
    before = _text_of(path)
    found = before.count(old) if old else 0
    if found == 0:
        raise ToolError("old_string does not occur in the file")
    if old == new:
        raise ToolError("old_string and new_string are the same")
    if found > 1 and not tool_input.get("replace_all"):
        raise ToolError(f"old_string occurs {found} times; make it longer, or set replace_all")
    _store(path, before.replace(old, new))
    return f"Replaced {found} {'occurrence' if found == 1 else 'occurrences'} in {path}"


def _text_of(path: Path) -> str:
    with os.fdopen(_open(path, os.O_RDONLY), "rb") as file:
        content = file.read(_MAX_READ_BYTES + 1)
    if len(content) > _MAX_READ_BYTES:
        raise ToolError(f"{path} is larger than {_MAX_READ_BYTES >> 20} MB")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is no UTF-8 text") from error


def _store(path: Path, text: str) -> None:
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise ToolError("the text cannot be written as UTF-8") from error
    with os.fdopen(_open(path, os.O_WRONLY | os.O_CREAT), "wb") as file:
        file.truncate()
        file.write(content)


def _open(path: Path, flags: int) -> int:
    """Opens a regular file. A link put there since the path was judged is not followed, and a pipe not waited for."""
    number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ToolError(f"{path} is no regular file")
    return number
