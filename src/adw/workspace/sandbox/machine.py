"""What confined programs see of this machine. Looked up now and then, because machines change while we run."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adw.kit.process.bubblewrap import Machine
from adw.workspace.sandbox.toolchains import programs_behind, toolchains

FRESH_S = 60.0

_SYSTEM = ("/usr", "/opt", "/etc", "/nix", "/snap", "/gnu")
_ROOT_NAMES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_RESOLVER = Path("/etc/resolv.conf")
_ETC = Path("/etc")
_ALWAYS_SECRET = ("shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "sudoers.d", "ssh", "ssl/private")
_MAX_DEPTH = 4


@dataclass(slots=True, kw_only=True)
class ThisMachine:
    """A callable for `Bubblewrap`. `data_dir` is hidden from every program, but for `tools` in it."""

    environment: Mapping[str, str]
    data_dir: Path
    tools: Path
    home: Path = field(default_factory=Path.home)
    _seen: Machine | None = None
    _seen_at: float = 0.0

    def __call__(self) -> Machine:
        if self._seen is None or time.monotonic() - self._seen_at > FRESH_S:
            self._seen, self._seen_at = self._look(), time.monotonic()
        return self._seen

    def _look(self) -> Machine:
        system = [Path(name) for name in _SYSTEM if Path(name).is_dir()]
        roots = [Path("/") / name for name in _ROOT_NAMES]
        system += [path for path in roots if path.is_dir() and not path.is_symlink()]
        own = [path for path in toolchains(self.environment, home=self.home) if not _is_below(path, [*system, *roots])]
        return Machine(
            readable=tuple(sorted({*system, *own}, key=lambda path: len(path.parts))),
            links=tuple((str(path.readlink()), path) for path in roots if path.is_symlink()),
            masked=tuple(dict.fromkeys(secrets_in(_ETC))),
            hidden=(self.data_dir.resolve(),),
            tools=tuple(path for path in (self.tools, *programs_behind(self.tools)) if path.exists()),
            names=_resolver_files(),
        )


def secrets_in(folder: Path, *, depth: int = 0) -> Iterator[Path]:
    """What users without rights may not read, and what has always been secret; the innermost named as a whole."""
    if depth == 0:
        yield from (path for name in _ALWAYS_SECRET if (path := folder / name).exists())
    always = {str(folder / name) for name in _ALWAYS_SECRET} if depth == 0 else set[str]()
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.path in always or entry.is_symlink():
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        is_folder = stat.S_ISDIR(mode)
        if not mode & stat.S_IROTH or (is_folder and not mode & stat.S_IXOTH):
            yield Path(entry.path)
        elif is_folder and depth < _MAX_DEPTH and entry.path not in always:
            yield from secrets_in(Path(entry.path), depth=depth + 1)


def _resolver_files() -> tuple[Path, ...]:
    """Where the resolver's settings really are: often in `/run`, which is empty inside."""
    real = _RESOLVER.resolve()
    return (real,) if real != _RESOLVER and real.is_file() else ()


def _is_below(path: Path, folders: list[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
