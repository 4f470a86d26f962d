"""Making repositories and commits, and looking at refs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from adw.kit.git.bare import BareRepository
from adw.kit.git.runner import Git

_HEADS = "refs/heads/"


async def create_repository(path: Path, *, default_branch: str) -> Git:
    bare = BareRepository(path=path)
    await bare.create(head=default_branch)
    return bare.git


async def copy_branches(git: Git, *, source: Path) -> None:
    """Takes over every branch and tag of another repository."""
    await git.run("fetch", "--quiet", "--no-write-fetch-head", str(source), "refs/heads/*:refs/heads/*", "--tags")


async def read_refs(git: Git) -> dict[str, str]:
    """Branches and tags by full name, with the objects they are at."""
    text = await git.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: sha for name, _, sha in pairs}


async def write_commit(
    git: Git,
    *,
    branch: str,
    files: Mapping[str, str | bytes | None],
    message: str,
    author: str,
    parent: str | None,
) -> str:
    """Commits these files (None removes one) on top of `parent` and moves the branch there."""
    stream = bytearray()
    who = f"{author} <{author}@users.noreply.github.com> {int(time.time())} +0000"
    stream += f"commit {_HEADS}{branch}\nauthor {who}\ncommitter {who}\n".encode()
    stream += _data(message.encode())
    if parent is not None:
        stream += f"from {parent}\n".encode()
    for name, text in files.items():
        if text is None:
            stream += f"D {name}\n".encode()
            continue
        stream += f"M 100644 inline {name}\n".encode()
        stream += _data(text.encode() if isinstance(text, str) else text)
    await git.run("fast-import", "--quiet", "--force", stdin=bytes(stream) + b"\ndone\n")
    return await git.text("rev-parse", f"{_HEADS}{branch}")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
