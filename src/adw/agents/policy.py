"""What an agent's file tools may touch: one pure decision, asked before each tool call.

Symbolic links are resolved first, so a link inside the workspace cannot lead a write out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_agent_sdk import HookMatcher
from claude_agent_sdk.types import HookContext, HookInput, HookJSONOutput

from adw.agents.consulting import consult
from adw.domain.agent import ToolCall, ToolGate, ToolPolicy, Verdict

ANSWER_TOOL = "StructuredOutput"
OUR_GIT_VERBS = ("commit", "push", "merge", "rebase", "remote", "worktree")
"""What of git is the orchestrator's alone."""

HOOK_LIMIT_S = 3600.0
"""How long a call may wait; the gate itself gives up long before."""
_OUR_GIT = re.compile(rf"(?:^|[;&|(\n])\s*git\s+(?:-\S+\s+)*(?:{'|'.join(OUR_GIT_VERBS)})\b")

_WRITE_PATHS = {"Write": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
_READ_PATHS = {"Read": "file_path", "Glob": "path", "Grep": "path", "LS": "path"}
_GIT_FOLDER = ".git"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePolicy:
    """The workspace and which of its files may be written. `readable` lists folders outside it that may be read."""

    workspace: Path
    tools: ToolPolicy
    readable: tuple[Path, ...] = ()
    own_tools: frozenset[str] = frozenset()
    """Names of tools that we carry out ourselves; they touch no file of the agent's."""

    def refusal(self, tool: str, tool_input: Mapping[str, Any], *, cwd: Path) -> str | None:
        """Why this call must not happen, in words for the agent; None when it may."""
        if tool in self.own_tools:
            return None
        if tool not in self.tools.tools and tool != ANSWER_TOOL:
            return f"The tool {tool} is not available in this phase"
        if tool == "Bash" and _OUR_GIT.search(str(tool_input.get("command") or "")):
            return "Permission denied: version control is the orchestrator's; leave the changes in the tree"
        if tool in _WRITE_PATHS:
            return self._write_refusal(tool_input.get(_WRITE_PATHS[tool]), cwd=cwd)
        if tool in _READ_PATHS:
            pattern = tool_input.get("pattern") if tool == "Glob" else None
            return self._read_refusal(tool_input.get(_READ_PATHS[tool]), pattern, cwd=cwd)
        return None

    def _write_refusal(self, given: object, *, cwd: Path) -> str | None:
        if not isinstance(given, str) or not given:
            return "A file path is needed"
        relative = self._relative(_resolve(given, cwd=cwd))
        if relative is None:
            return f"{given} is outside the workspace {self.workspace}; write only inside it"
        if _GIT_FOLDER in Path(relative).parts:
            return f"{given} belongs to git; leave version control to the orchestrator"
        if any(_glob_pattern(glob).fullmatch(relative) for glob in self.tools.writable):
            return None
        if not self.tools.writable:
            return "This phase is read-only; no file may be written"
        return f"{given} may not be written in this phase; allowed: {', '.join(self.tools.writable)}"

    def _read_refusal(self, given: object, pattern: object, *, cwd: Path) -> str | None:
        start = _resolve(given, cwd=cwd) if isinstance(given, str) and given else _resolve(".", cwd=cwd)
        paths = [start]
        if isinstance(pattern, str) and (pattern.startswith(("/", "~")) or ".." in Path(pattern).parts):
            paths.append(_resolve(_fixed_prefix(pattern), cwd=start))
        outside = [path for path in paths if not self.may_read(path)]
        return f"{outside[0]} is outside the workspace {self.workspace}; read only inside it" if outside else None

    def may_read(self, path: Path) -> bool:
        """Whether a path, its symbolic links resolved, may be read."""
        return self._relative(path) is not None or any(path.is_relative_to(extra) for extra in self.readable)

    def _relative(self, path: Path) -> str | None:
        workspace = self.workspace.resolve()
        return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else None


def guard(
    policy: FilePolicy, *, gate: ToolGate | None = None, still_waiting: Callable[[], None] = lambda: None
) -> HookMatcher:
    """The policy, and whoever must be asked, as a hook before every tool call. A hook that fails blocks the call."""

    async def before_tool(hook_input: HookInput, _tool_use_id: str | None, _context: HookContext) -> HookJSONOutput:
        said: Mapping[str, Any] = {**hook_input}
        call = ToolCall(tool=said["tool_name"], given=said["tool_input"])

        def refuse(given: Mapping[str, Any]) -> str | None:
            return policy.refusal(call.tool, given, cwd=Path(said["cwd"]))

        return _for_cli(await consult(gate, call, refuse=refuse, still_waiting=still_waiting))

    return HookMatcher(matcher=None, hooks=[before_tool], on_failure="block", timeout=HOOK_LIMIT_S)


def _for_cli(verdict: Verdict) -> HookJSONOutput:
    if verdict.refusal is not None:
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": verdict.refusal,
            }
        }
    if verdict.edited is None:
        return {}
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "updatedInput": dict(verdict.edited),
            "additionalContext": verdict.note or "",
        }
    }


def _resolve(given: str, *, cwd: Path) -> Path:
    return (cwd / Path(given).expanduser()).resolve()


def _fixed_prefix(pattern: str) -> str:
    """The part of a glob before its first wildcard segment."""
    fixed: list[str] = []
    for part in Path(pattern).parts:
        if re.search(r"[*?\[{]", part):
            break
        fixed.append(part)
    return str(Path(*fixed)) if fixed else "."


def _glob_pattern(glob: str) -> re.Pattern[str]:
    """`**` spans folders, `*` and `?` stay within one name; everything else is itself."""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts), re.DOTALL)
