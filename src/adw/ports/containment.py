"""How far the programs of a workflow are shut in: asked by workflows, known by whoever knows this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from adw.domain.config import SandboxTable
from adw.kit.process.confinement import Confinement, Door, Network

Isolation = Literal["bubblewrap", "supervisor", "off"]
"""`supervisor`: there is no sandbox for this system. `off`: somebody said that there shall be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a program works. Folders of ours that are missing are made when something is confined to them."""

    tree: Path
    home: Path
    """The home of all commands and agents of one workflow: what is installed there is found by the next."""
    git_folder: Path | None = None
    """What git writes for this working tree alone; it lies in the repository's own folder."""
    is_writable: bool = True
    """Whether the tree itself may be changed."""
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()


class Containment(Protocol):
    """Decides between the operator's wish, the project's and what this machine can do."""

    def in_force(self, wanted: SandboxTable) -> Isolation:
        """What keeps a project's programs apart from the rest of this machine."""
        ...

    def confine(
        self, wanted: SandboxTable, site: Site, *, network: Network = "none", ways_out: Sequence[Door] = ()
    ) -> Confinement | None:
        """The confinement of a program at work there; None where none is in force."""
        ...
