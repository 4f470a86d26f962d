"""What every figure gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`root` is an empty folder of the figure's own; `keep`, when given, is where raw timestamps go."""

    root: Path
    quick: bool
    keep: Path | None = None

    def repetitions(self, full: int, *, quick: int = 1) -> int:
        return quick if self.quick else full
