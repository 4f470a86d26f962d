"""What to start, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.process.confinement import Confinement


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A program to start: its arguments, folder and complete environment (nothing is inherited)."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    confinement: Confinement | None = None
    """What of the machine it may touch; None leaves it as free as the user who runs us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """How a program ended. `output` is standard output and error together, cut in the middle when too long."""

    exit_code: int | None
    output: str
    duration_ms: int
    timed_out: bool = False
    truncated: bool = False
