"""Which containment is in force for a project, and what its programs are confined to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adw.domain.config import SandboxMode, SandboxTable
from adw.kit.errors import ConfigurationError
from adw.kit.process.confinement import Confinement, Door, Network
from adw.ports.containment import Isolation, Site

_REGISTRATION = ("commondir", "gitdir")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContainment:
    """Implements `adw.ports.containment.Containment`. `operator` is what holds where a project says `auto`."""

    operator: SandboxMode = "auto"
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables of every confined program, besides its `HOME`."""
    home: Path = field(default_factory=Path.home)
    platform: str = sys.platform

    def in_force(self, wanted: SandboxTable) -> Isolation:
        """Whoever insists on the sandbox gets it, be it the operator or the project; else each may give it up."""
        modes = (self.operator, wanted.mode)
        if "bubblewrap" in modes:
            return "bubblewrap"
        if "off" in modes:
            return "off"
        return "bubblewrap" if self.platform == "linux" else "supervisor"

    def confine(
        self, wanted: SandboxTable, site: Site, *, network: Network = "none", ways_out: Sequence[Door] = ()
    ) -> Confinement | None:
        """See the port. Raises `ConfigurationError` for a path in `[sandbox] extra_paths` that cannot be meant."""
        if self.in_force(wanted) != "bubblewrap":
            return None
        for folder in (site.home, *site.writable):
            folder.mkdir(parents=True, exist_ok=True)
        writable, readable, sealed = _git(site)
        return Confinement(
            writable=(*writable, site.home, *site.writable),
            readable=(*readable, *site.readable),
            sealed=sealed,
            extra=tuple(self._extra(path) for path in wanted.extra_paths),
            network="open" if wanted.network == "open" else network,
            ways_out=tuple(ways_out),
            env={**self.env, "HOME": str(site.home)},
        )

    def _extra(self, text: str) -> Path:
        path = self.home / text.removeprefix("~/") if text.startswith("~/") else Path(text)
        if not path.is_absolute() or path == Path("/") or ".." in path.parts:
            raise ConfigurationError(
                f'sandbox: extra_paths names "{text}", which is no absolute path of a file or folder',
                hint='Name what is needed, e.g. extra_paths = ["/srv/sdk", "~/.m2"]',
            )
        return path


def _git(site: Site) -> tuple[tuple[Path, ...], tuple[Path, ...], tuple[Path, ...]]:
    """The tree, and of its repository what `git status`, `diff` and `log` need: commits are ours to make."""
    tree = (site.tree,)
    if site.git_folder is None:
        return (tree, (), ()) if site.is_writable else ((), tree, ())
    repository = site.git_folder.parent.parent
    sealed = (site.tree / ".git", *(site.git_folder / name for name in _REGISTRATION))
    if not site.is_writable:
        return (site.git_folder,), (repository, site.tree), sealed
    return (site.tree, site.git_folder), (repository,), sealed
