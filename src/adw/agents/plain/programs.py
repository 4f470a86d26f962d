"""Tools that are programs: a shell and a search. Each runs supervised and leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adw.agents.plain.files import ToolError, resolve
from adw.kit.process.confinement import Confinement
from adw.ports.launcher import Exited, Launch, Launcher

_MAX_OUTPUT_BYTES = 30_000
_GREP_LIMIT_S = 60.0
_NOTHING_FOUND = 1
_MODES = {"files_with_matches": ["-l"], "count": ["-c"], "content": ["-n"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Starts programs for one task. `limit_s` bounds every command, whatever the agent asks for."""

    launcher: Launcher
    cwd: Path
    env: Mapping[str, str]
    limit_s: float
    confinement: Confinement | None = None

    async def bash(self, tool_input: Mapping[str, Any]) -> str:
        """The output of a command; raises ToolError with it when the command fails."""
        command = str(tool_input["command"])
        asked_s = (tool_input.get("timeout") or self.limit_s * 1000) / 1000
        argv = (shutil.which("bash") or "/bin/sh", "-c", command)
        ended = await self._run(argv, timeout_s=min(asked_s, self.limit_s))
        if ended.timed_out:
            raise ToolError(f"The command was ended after {ended.duration_ms / 1000:.1f} s\n{ended.output}")
        if ended.exit_code != 0:
            raise ToolError(f"Exit code {ended.exit_code}\n{ended.output}")
        return ended.output

    async def grep(self, tool_input: Mapping[str, Any]) -> str:
        """Lines, files or counts; links below the start are not followed."""
        start = resolve(tool_input.get("path") or ".", cwd=self.cwd)
        chosen = [f"--include={tool_input['glob']}"] if tool_input.get("glob") else []
        case = ["-i"] if tool_input.get("ignore_case") else []
        mode = _MODES[tool_input.get("output_mode") or "files_with_matches"]
        fixed = ("grep", "-rEIs", "-D", "skip", "--exclude-dir=.git")
        argv = (*fixed, *mode, *case, *chosen, "-e", str(tool_input["pattern"]), "--", str(start))
        ended = await self._run(argv, timeout_s=min(_GREP_LIMIT_S, self.limit_s))
        complains = not ended.output or ended.output.startswith("grep:")
        if ended.timed_out or (ended.exit_code not in (0, _NOTHING_FOUND) and complains):
            raise ToolError("The search failed; is the pattern a POSIX extended regular expression?")
        return ended.output or "Nothing found"

    async def _run(self, argv: tuple[str, ...], *, timeout_s: float) -> Exited:
        launch = Launch(argv=argv, cwd=self.cwd, env=self.env, confinement=self.confinement)
        return await self.launcher.run(launch, timeout_s=timeout_s, max_output_bytes=_MAX_OUTPUT_BYTES)
