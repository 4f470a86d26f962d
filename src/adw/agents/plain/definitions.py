"""The tools as the model is told of them: names and inputs agents are used to, in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adw.agents.policy import ANSWER_TOOL
from adw.domain.agent import AgentTask

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}


def _tool(name: str, about: str, required: Sequence[str], /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"name": name, "description": about, "input_schema": schema}


_TOOLS: Mapping[str, dict[str, Any]] = {
    tool["name"]: tool
    for tool in (
        _tool(
            "Read",
            "Gives a text file with line numbers: 2000 lines from `offset` on (the first is 1), or `limit` of them.",
            ["file_path"],
            file_path=_TEXT,
            offset=_COUNT,
            limit=_COUNT,
        ),
        _tool(
            "Write",
            "Writes a whole file; folders on the way to it are made.",
            ["file_path", "content"],
            file_path=_TEXT,
            content=_TEXT,
        ),
        _tool(
            "Edit",
            "Replaces `old_string`, which must occur exactly once in the file unless `replace_all` is set.",
            ["file_path", "old_string", "new_string"],
            file_path=_TEXT,
            old_string=_TEXT,
            new_string=_TEXT,
            replace_all={"type": "boolean"},
        ),
        _tool(
            "Glob",
            "Lists files below `path` whose relative paths match; `**` spans folders, `*` and `?` stay within a name.",
            ["pattern"],
            pattern=_TEXT,
            path=_TEXT,
        ),
        _tool(
            "Grep",
            "Searches files below `path` for a POSIX extended regular expression. `glob` limits it to some file names.",
            ["pattern"],
            pattern=_TEXT,
            path=_TEXT,
            glob=_TEXT,
            output_mode={"type": "string", "enum": ["content", "files_with_matches", "count"]},
            ignore_case={"type": "boolean"},
        ),
        _tool(
            "Bash",
            "Runs a shell command in the workspace and gives its output. Nothing goes on after it, not even a folder"
            " changed into. `timeout` is in milliseconds.",
            ["command"],
            command=_TEXT,
            description=_TEXT,
            timeout=_COUNT,
        ),
    )
}

KNOWN_TOOLS = frozenset(_TOOLS)


def schema_of(name: str) -> Mapping[str, Any]:
    """The JSON schema of a known tool's input."""
    return _TOOLS[name]["input_schema"]


def offered(task: AgentTask) -> list[dict[str, Any]]:
    """The definitions of the task's tools that this runtime has, and of the way to give the answer."""
    found = [_TOOLS[name] for name in task.policy.tools if name in _TOOLS]
    found += [{"name": own.name, "description": own.about, "input_schema": dict(own.schema)} for own in task.own_tools]
    if task.schema is None:
        return found
    about = "Gives your final answer; call it exactly once, when everything else is done."
    return [*found, {"name": ANSWER_TOOL, "description": about, "input_schema": dict(task.schema)}]
