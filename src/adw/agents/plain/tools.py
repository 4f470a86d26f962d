"""Carries out an agent's calls: judged by the policy first, whatever goes wrong is told to the agent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adw.agents.consulting import consult
from adw.agents.folder import RunFolder
from adw.agents.options import bash_limit_s, environment_of_tools
from adw.agents.plain import files
from adw.agents.plain.answer import problems_with
from adw.agents.plain.definitions import KNOWN_TOOLS, schema_of
from adw.agents.plain.files import ToolError
from adw.agents.plain.globbing import MAX_FOUND, find_files, split
from adw.agents.plain.programs import Programs
from adw.agents.policy import FilePolicy
from adw.domain.agent import AgentTask, ToolCall, Verdict
from adw.kit.process.confinement import Confinement
from adw.ports.launcher import Launcher

_MAX_RESULT = 100_000
_FILE_TOOLS = {"Read": files.read, "Write": files.write, "Edit": files.edit}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call came to."""

    text: str
    is_error: bool = False


class Tools:
    """The tools of one task."""

    def __init__(self, *, task: AgentTask, launcher: Launcher, folder: RunFolder) -> None:
        self._task = task
        readable = tuple(each.resolve() for each in task.policy.readable)
        self._own = {own.name: own for own in task.own_tools}
        self._policy = FilePolicy(workspace=task.cwd, tools=task.policy, readable=readable)
        env = environment_of_tools(task, base=os.environ)
        self._programs = Programs(
            launcher=launcher,
            cwd=task.cwd,
            env=env | {"HOME": str(folder.home), "TMPDIR": str(folder.temporary)},
            limit_s=bash_limit_s(task),
            confinement=_without_model(task.confinement),
        )

    async def call(
        self, name: str, tool_input: Mapping[str, Any], *, still_waiting: Callable[[], None] = lambda: None
    ) -> ToolResult:
        """Never raises for what the agent asked, be it forbidden, impossible or nonsense.

        `still_waiting` is called now and then while a person is asked.
        """
        if name in self._own:
            text, is_error = await self._own[name].call(tool_input)
            return ToolResult(text=text, is_error=is_error)

        def refuse(given: Mapping[str, Any]) -> str | None:
            return self._refusal(name, given)

        try:
            call = ToolCall(tool=name, given=tool_input)
            verdict = await consult(self._task.gate, call, refuse=refuse, still_waiting=still_waiting)
        except (OSError, RuntimeError, ValueError) as error:
            verdict = Verdict(refusal=f"{name} failed: {error}")
        if verdict.refusal is not None:
            return ToolResult(text=verdict.refusal, is_error=True)
        result = await self._made(name, tool_input if verdict.edited is None else verdict.edited)
        return result if verdict.note is None else replace(result, text=f"({verdict.note})\n{result.text}")

    async def _made(self, name: str, tool_input: Mapping[str, Any]) -> ToolResult:
        try:
            text = await self._carry_out(name, tool_input)
            cut = f"\n(cut off after {_MAX_RESULT} characters)" if len(text) > _MAX_RESULT else ""
            return ToolResult(text=text[:_MAX_RESULT] + cut)
        except ToolError as error:
            return ToolResult(text=str(error), is_error=True)
        except (OSError, RuntimeError, ValueError) as error:  # loops of links, NUL in names, missing files, full disks
            return ToolResult(text=f"{name} failed: {error}", is_error=True)

    def _refusal(self, name: str, tool_input: Mapping[str, Any]) -> str | None:
        if name not in self._task.policy.tools or name not in KNOWN_TOOLS:
            return f"There is no tool {name} in this phase"
        if name not in self._task.policy.allowed:
            return f"{name} needs a person's permission, and nobody is asked here"
        problems = list(problems_with(tool_input, schema_of(name), at="the input"))
        if problems:
            return "; ".join(problems)
        return self._policy.refusal(name, tool_input, cwd=self._task.cwd)

    async def _carry_out(self, name: str, tool_input: Mapping[str, Any]) -> str:
        if name == "Bash":
            return await self._programs.bash(tool_input)
        if name == "Grep":
            return await self._programs.grep(tool_input)
        if name == "Glob":
            return await asyncio.to_thread(self._glob, tool_input)
        return await asyncio.to_thread(_FILE_TOOLS[name], tool_input, cwd=self._task.cwd)

    def _glob(self, tool_input: Mapping[str, Any]) -> str:
        below = files.resolve(tool_input.get("path") or ".", cwd=self._task.cwd)
        fixed, pattern = split(tool_input["pattern"])
        start = (below / Path(fixed).expanduser()).resolve()
        if not self._policy.may_read(start):
            raise ToolError(f"{start} is outside the workspace; read only inside it")
        found = find_files(start, pattern, may_read=self._policy.may_read)
        more = [f"(only the first {MAX_FOUND})"] if len(found) == MAX_FOUND else []
        return "\n".join([*map(str, found), *more]) or "Nothing found"


def _without_model(confinement: Confinement | None) -> Confinement | None:
    """It is we who ask the model: the commands have no business with the gateway."""
    return None if confinement is None else replace(confinement, ways_out=())
