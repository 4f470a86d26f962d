"""Which calls of an agent's tools a person must allow: `Bash(npm publish *)`, `WebFetch`, `Write(migrations/*)`.

Such a rule asks rather too often than too seldom: `*` spans everything, and each command of a line is looked at. It is
no fence: a script that an agent writes first can do what its name does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

from adw.kit.errors import UsageError

MAIN_ARGUMENTS: Mapping[str, str] = {
    "Bash": "command",
    "Read": "file_path",
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
    "Glob": "path",
    "Grep": "path",
    "LS": "path",
    "WebFetch": "url",
    "WebSearch": "query",
}
"""The input of each tool that a rule's glob is about."""
PATH_ARGUMENTS = frozenset({"file_path", "notebook_path", "path"})

_RULE = re.compile(r"(?P<tool>[A-Za-z]+)(?:\((?P<glob>.+)\))?", re.DOTALL)
_BETWEEN_COMMANDS = re.compile(r"&&|\|\||[;|&\n`(){}]")
_BEFORE_COMMAND = re.compile(
    r"^(?:[A-Za-z_][A-Za-z0-9_]*=\S*\s+|(?:sudo|env|exec|time|nohup|command|then|do|else|!)\s+)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """All calls of a tool, or those whose main argument matches the glob."""

    tool: str
    glob: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises UsageError for what is no rule, and for a tool that does not exist."""
        found = _RULE.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"{text!r} is not a tool, nor a tool with a glob in brackets")
        tool, glob = found["tool"], found["glob"]
        if tool not in MAIN_ARGUMENTS:
            raise UsageError(f"there is no tool {tool!r}; known: {', '.join(MAIN_ARGUMENTS)}")
        return cls(tool=tool, glob=glob)

    def matches(self, tool: str, subject: str) -> bool:
        """`subject` is the main argument of the call, a path relative to the workspace."""
        if tool != self.tool:
            return False
        if self.glob is None:
            return True
        pattern = _pattern(self.glob)
        return any(pattern.fullmatch(part) for part in _parts(tool, subject))


def _parts(tool: str, subject: str) -> Iterator[str]:
    yield subject
    if tool != "Bash":
        return
    yield _one_space(subject)
    for command in _BETWEEN_COMMANDS.split(subject):
        yield _BEFORE_COMMAND.sub("", _one_space(command))


def _one_space(command: str) -> str:
    return " ".join(command.split())


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """`npm publish *` is the command without arguments as well, `**/a.sql` the file in no folder."""
    without = glob.removesuffix(" *")
    end = r"(?:\s.*)?" if without != glob else ""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": ".*", "?": "."}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", without)
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts) + end, re.DOTALL)
