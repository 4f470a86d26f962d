"""Deleting in two steps: rename away at once, unlink when there is time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from adw.kit.ids import new_uuid


def throw_away(path: Path, *, trash: Path) -> bool:
    """Moves a file or folder to the trash; False if there is none. A symbolic link is moved, never followed."""
    if not os.path.lexists(path):
        return False
    trash.mkdir(parents=True, exist_ok=True)
    path.rename(trash / f"{path.name}.{new_uuid().hex}")
    return True


def empty(trash: Path) -> int:
    """Deletes what is in the trash, folders without write permission included; returns how many things went."""
    if not trash.is_dir():
        return 0
    entries = list(trash.iterdir())
    for entry in entries:
        if entry.is_symlink() or not entry.is_dir():
            entry.unlink(missing_ok=True)
            continue
        _make_writable(entry)
        shutil.rmtree(entry, ignore_errors=True)
    return len(entries)


def _make_writable(folder: Path) -> None:
    for path, _, _ in os.walk(folder):
        if not os.access(path, os.W_OK | os.X_OK):
            Path(path).chmod(0o700)
