"""Files beside the repository's own: ports, and what a project wants copied. None of them is ever committed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from adw.kit.errors import UsageError

PORTS_FILE = ".ports.env"


def write_ports_file(folder: Path, *, backend_port: int, frontend_port: int) -> Path:
    """Writes the ports of a workspace for its programs; a link an agent put there is replaced, not followed."""
    text = (
        f"BACKEND_PORT={backend_port}\n"
        f"FRONTEND_PORT={frontend_port}\n"
        f"VITE_BACKEND_URL=http://localhost:{backend_port}\n"
    )
    draft = folder / f"{PORTS_FILE}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
        file.write(text)
    draft.replace(folder / PORTS_FILE)
    return folder / PORTS_FILE


def copy_private_files(*, source: Path, target: Path, globs: Sequence[str]) -> list[str]:
    """Copies files that match from a person's checkout into a workspace; returns their relative paths.

    Symbolic links are neither copied nor followed on either side, and nothing outside the two folders is touched.
    Raises UsageError for a glob that points outside.
    """
    copied: list[str] = []
    for pattern in globs:
        _check(pattern)
        for path in sorted(source.glob(pattern)):
            relative = path.relative_to(source)
            if ".git" in relative.parts or not _is_plain_file(source, relative):
                continue
            if _copy(source / relative, target, relative):
                copied.append(relative.as_posix())
    return list(dict.fromkeys(copied))


def _check(pattern: str) -> None:
    parts = Path(pattern).parts
    if not parts or Path(pattern).is_absolute() or ".." in parts:
        raise UsageError(
            f"{pattern!r} cannot name files to copy", hint="Use paths inside the repository, such as '.env'"
        )


def _is_plain_file(root: Path, relative: Path) -> bool:
    folder = root
    for part in relative.parts[:-1]:
        folder /= part
        if folder.is_symlink():
            return False
    return stat.S_ISREG((root / relative).lstat().st_mode)


def _copy(file: Path, target: Path, relative: Path) -> bool:
    folder = target
    for part in relative.parts[:-1]:
        folder /= part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return False
        folder.mkdir(exist_ok=True)
    place = folder / relative.name
    if place.is_dir() and not place.is_symlink():
        return False
    place.unlink(missing_ok=True)
    shutil.copy2(file, place, follow_symlinks=False)
    return True
