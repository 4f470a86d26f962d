"""Brings PostgreSQL's programs to where the server's user can reach them.

An installation below /root is closed to everyone else. Its permissions stay as they are; a copy is made once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from adw.kit.postgres.binaries import WHEEL, PostgresBinaries
from adw.kit.postgres.place import Place, shared_folder_for

_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")


def reachable(binaries: PostgresBinaries, place: Place, *, shared_folder: Path | None = None) -> PostgresBinaries:
    """The same programs, copied if the server's user cannot enter their folder."""
    if place.account.can_enter(binaries.bin_dir):
        return binaries
    target = shared_folder_for(place.account, shared_folder) / f"postgres-{binaries.version}-{_fingerprint(binaries)}"
    package, installation = binaries.bin_dir.parent.parent, binaries.bin_dir.parent
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.new-{secrets.token_hex(4)}")
        _copy(installation, unfinished / package.name / installation.name)
        libraries = package.with_name(f"{WHEEL}.libs")
        if libraries.is_dir():
            # The programs look for these three folders above themselves.
            _copy(libraries, unfinished / libraries.name)
        _open_folders(unfinished)
        _put_in_place(unfinished, target)
    return replace(binaries, bin_dir=target / package.name / installation.name / "bin")


def _fingerprint(binaries: PostgresBinaries) -> str:
    facts = (binaries.bin_dir / "postgres").stat()
    return hashlib.sha256(f"{binaries.bin_dir}:{facts.st_size}:{facts.st_mtime_ns}".encode()).hexdigest()[:12]


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=_NOT_NEEDED)


def _open_folders(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))


def _put_in_place(unfinished: Path, target: Path) -> None:
    try:
        unfinished.rename(target)
    except OSError:
        # Another process was faster.
        shutil.rmtree(unfinished, ignore_errors=True)
        if not target.exists():
            raise
