"""As root we must not leave files in a person's repository that the person cannot write afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from adw.kit.git.changes import names
from adw.kit.git.person import Checkout, PersonRepository

_ROOT = 0


def give_back_repository(person: PersonRepository) -> None:
    """Gives what root made inside the repository's folders to the owner of the repository."""
    folders = {person.common_dir, person.git_dir}
    _give_back(
        (Path(at) / name for folder in folders for at, dirs, files in os.walk(folder) for name in dirs + files),
        person.common_dir,
    )


async def give_back_files(checkout: Checkout, *, old: str, new: str) -> None:
    """The same for the files, and their folders, that a fast-forward wrote."""
    if os.geteuid() != _ROOT:
        return
    done = await checkout.git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new, "--")
    written = {Path(os.fsdecode(name)) for name in names(done.stdout)}
    folders = {parent for path in written for parent in path.parents if parent.parts}
    _give_back((checkout.path / path for path in written | folders), checkout.path)


def _give_back(paths: Iterable[Path], like: Path) -> None:
    owner = like.stat()
    if os.geteuid() != _ROOT or owner.st_uid == _ROOT:
        return
    for path in paths:
        if os.path.lexists(path) and path.lstat().st_uid == _ROOT:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
