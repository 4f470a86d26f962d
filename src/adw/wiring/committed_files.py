"""Reading commits of a repository of ours: files, folders, and how two commits differ."""

from __future__ import annotations

import os

from adw.kit.git import Git
from adw.ports.projects import BranchTip, CommittedFile

_NOT_FOUND = 128
_PLAIN = frozenset({"100644", "100755"})


async def read_file(git: Git, *, sha: str, path: str) -> bytes | None:
    """A file's content at a commit, or None if the commit has no such file."""
    done = await git.run("cat-file", "blob", f"{sha}:{path}", accept=(0, _NOT_FOUND))
    return done.stdout if done.code == 0 else None


async def list_files(git: Git, *, sha: str, path: str) -> list[CommittedFile]:
    """What a commit has at a path; of a folder, written with a slash at its end, everything right in it."""
    done = await git.run("ls-tree", "-z", "-l", sha, "--", path)
    return [_committed(entry) for entry in os.fsdecode(done.stdout).split("\0") if entry]


async def branch_tip(git: Git, *, sha: str, base_sha: str) -> BranchTip | None:
    """Somebody's commit beside the base it left; None when the two share nothing."""
    shared = (await git.run("merge-base", base_sha, sha, accept=(0, 1))).out.strip()
    if not shared:
        return None
    message = await git.text("show", "--no-patch", "--format=%B", sha)
    return BranchTip(sha=sha, merge_base=shared, message=message.strip())


def _committed(entry: str) -> CommittedFile:
    about, _, path = entry.partition("\t")
    mode, _, _, size = about.split()
    return CommittedFile(path=path, size=0 if size == "-" else int(size), is_plain=mode in _PLAIN)
