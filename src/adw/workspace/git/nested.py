"""Files inside a repository within a repository, which git itself would pass over."""

from __future__ import annotations

import os
from collections.abc import Sequence

from adw.kit.git.changes import names
from adw.kit.git.runner import Git


async def files_of_nested(git: Git, folders: Sequence[bytes]) -> list[bytes]:
    """Files and links below some folders that no `.gitignore` names; their `.git` stays out. Names are relative."""
    root = os.fsencode(git.work_tree or "")
    found: list[bytes] = []
    level = [folder.rstrip(b"/") for folder in folders]
    while level:
        files, deeper = _entries(root, level)
        ignored = await _ignored(git, [*files, *(name + b"/" for name in deeper)])
        found += [name for name in files if name not in ignored]
        level = [name for name in deeper if name + b"/" not in ignored]
    return found


def _entries(root: bytes, folders: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    files: list[bytes] = []
    deeper: list[bytes] = []
    for folder in folders:
        with os.scandir(root + b"/" + folder) as entries:
            for entry in entries:
                name = folder + b"/" + entry.name
                if entry.name == b".git":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(name)
                elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                    files.append(name)
    return files, deeper


async def _ignored(git: Git, candidates: Sequence[bytes]) -> set[bytes]:
    if not candidates:
        return set()
    asked = b"\0".join(candidates) + b"\0"
    done = await git.run("check-ignore", "-z", "--stdin", "--no-index", stdin=asked, accept=(0, 1))
    return set(names(done.stdout))
