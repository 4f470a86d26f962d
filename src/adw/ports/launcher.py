"""How a foreign program is started so that it cannot outlive its worker or see our secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A program to start: its arguments, folder and complete environment (nothing is inherited)."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """How a program ended. `output` is standard output and error together, cut in the middle when too long."""

    exit_code: int | None
    output: str
    duration_ms: int
    timed_out: bool = False
    truncated: bool = False


class Launcher(Protocol):
    """Starts programs under the supervisor."""

    def isolation(self) -> str:
        """Which isolation is in force, for evidence and `adw doctor`: `supervisor`, `pid-namespace`, ..."""
        ...

    async def run(self, launch: Launch, *, timeout_s: float, max_output_bytes: int = 4_000_000) -> Exited:
        """Runs a program to its end. On a time-out or cancellation its whole process tree is gone on return."""
        ...

    def wrap(self, launch: Launch, *, folder: Path) -> Path:
        """Writes an executable into `folder` that starts `launch.argv` plus its own arguments under the supervisor.

        For programs that a library insists on starting itself.
        """
        ...
