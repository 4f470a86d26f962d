"""How a foreign program is started so that it cannot outlive its worker or see our secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from adw.kit.process.launch import Exited, Launch

__all__ = ["Exited", "Launch", "Launcher"]


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
