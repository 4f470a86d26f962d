"""What a confined program may touch. Everything else of the machine does not exist for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Network = Literal["none", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A port of the loopback address inside, joined to a unix socket outside."""

    port: int
    socket: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The folders and doors of one program; all paths are absolute and the same inside as outside."""

    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    """Read-only; where folders lie in each other, the inner one's right counts."""
    sealed: tuple[Path, ...] = ()
    """Files in writable folders that stay as they are; those that do not exist are left out."""
    extra: tuple[Path, ...] = ()
    """Read-only as well, but never so that what is hidden on this machine shows."""
    network: Network = "none"
    """`none`: a loopback address of its own and nothing else. `open`: the machine's network."""
    ways_out: tuple[Door, ...] = ()
    """What listens on the socket outside is reached on the port inside."""
    ways_in: tuple[Door, ...] = ()
    """What listens on the port inside is reached through the socket outside, made in a folder of its own."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables that differ inside, such as `HOME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """How to start something confined: `program` with `arguments`, then `before`, then the program itself."""

    program: Path
    arguments: tuple[str, ...]
    before: tuple[str, ...] = ()
