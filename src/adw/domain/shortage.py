"""Whether a host has too little left for new work to begin. What is short stays short until it is clearly better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ShortageKind = Literal["disk", "memory", "cpu", "start_rate"]

RELIEF = 1.1
"""How many times the floor has to be free before a shortage of it is over."""
CONTENDED_PERCENT = 40.0
"""Share of the last ten seconds in which something waited for a processor, from which on a high load is believed: the
load counts programs that wait for a disk as well, and it falls slowly."""
MOST_STARTS_DUE_S = 10.0
"""How far ahead the starts of agents may be promised on a host before work that needs more of them waits."""
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What a host has left, and what has to be left for new work to begin. None where nobody can tell; 0 = no limit."""

    free_disk: int | None = None
    available_memory: int | None = None
    load_per_core: float | None = None
    contended_percent: float | None = None
    least_disk: int = 0
    least_memory: int = 0
    most_load_per_core: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What is short, in words that stay the same while it is."""

    kind: ShortageKind
    detail: str


def shortage_of(room: Headroom, *, before: Shortage | None = None, starts_due_s: float = 0.0) -> Shortage | None:
    """What keeps new work from beginning; `before` is what the last look found, which needs some relief to be over."""
    was = None if before is None else before.kind
    if room.free_disk is not None and room.free_disk < _floor(room.least_disk, eased=was == "disk"):
        return Shortage(kind="disk", detail=f"waiting for disk space (less than {room.least_disk // _MB} MB are free)")
    if room.available_memory is not None and room.available_memory < _floor(room.least_memory, eased=was == "memory"):
        detail = f"waiting for memory (less than {room.least_memory // _MB} MB are available)"
        return Shortage(kind="memory", detail=detail)
    if _is_overloaded(room, eased=was == "cpu"):
        detail = f"waiting for the processor (load above {room.most_load_per_core:g} for each core)"
        return Shortage(kind="cpu", detail=detail)
    if starts_due_s > MOST_STARTS_DUE_S / (RELIEF if was == "start_rate" else 1):
        return Shortage(kind="start_rate", detail="waiting for agents to start that were asked for before")
    return None


def _floor(least: int, *, eased: bool) -> float:
    return least * RELIEF if eased else least


def _is_overloaded(room: Headroom, *, eased: bool) -> bool:
    if not room.most_load_per_core or room.load_per_core is None:
        return False
    if room.contended_percent is not None and room.contended_percent < CONTENDED_PERCENT:
        return False
    return room.load_per_core > (room.most_load_per_core / RELIEF if eased else room.most_load_per_core)
