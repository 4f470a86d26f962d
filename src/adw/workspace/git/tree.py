"""A working tree seen through an index that only we write.

What an agent stages, hides (`assume-unchanged`) or breaks in its own index has no effect here. A capture turns all
files that are not ignored into a tree object and changes nothing else. Git never enters nested repositories, where it
would run commands with their configuration; scaffolding tools make them, so their files count as plain files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import GitError
from adw.kit.git.changes import names
from adw.kit.git.runner import Git
from adw.kit.ids import new_uuid
from adw.workspace.git.nested import files_of_nested

_GITLINK = b"160000 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The files as a tree object. `index` describes them and lives as long as the capture's block."""

    tree: str
    index: Path
    nested: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """Files at `path`, commits in `git`; `index` remembers file times, so unchanged files are not read again."""

    git: Git
    path: Path
    index: Path

    @contextlib.asynccontextmanager
    async def capture(self, *, head: str, exclude: Sequence[str] = ()) -> AsyncGenerator[Capture]:
        """The present files, starting from those of `head`. `exclude` are globs whose files stay as in `head`."""
        if self.path.is_symlink() or not self.path.is_dir():
            raise GitError(f"The workspace {self.path} is gone", hint="Retry: the workspace is made again")
        with self._draft() as draft:
            if self.index.exists():
                shutil.copy2(self.index, draft)
            git = self.git.using(work_tree=self.path, index=draft)
            await git.run("read-tree", "--reset", head)
            await git.run("update-index", "-q", "--refresh", accept=(0, 1))
            nested = await _take_in(git, pathspecs=_without(exclude))
            yield Capture(tree=await git.text("write-tree"), index=draft, nested=nested)

    async def fill(self, commit: str, *, head: str) -> None:
        """Writes the files of a commit into an empty folder whose branch is at `head`."""
        with self._draft() as draft:
            await self._check_out(draft, commit, head=head)

    async def become(self, commit: str, *, start: str, head: str, exclude: Sequence[str] = ()) -> None:
        """Changes the files to those of `commit`. Ignored and excluded ones stay, all else that is extra goes.

        `start` is the branch's commit before, `head` the one after.
        """
        async with self.capture(head=start, exclude=exclude) as now:
            for folder in now.nested:
                _remove(self.path / folder / ".git")
            await self._check_out(now.index, commit, head=head)

    async def _check_out(self, index: Path, commit: str, *, head: str) -> None:
        git = self.git.using(work_tree=self.path, index=index)
        await git.run("read-tree", "--reset", "-u", commit)
        if head != commit:
            await git.run("read-tree", "--reset", head)
        self.remember(index)

    def remember(self, index: Path) -> None:
        """Keeps an index for the next time, with its age: git reads again what changed as late as the index did."""
        copy = self.index.with_name(f"{self.index.name}.new-{new_uuid().hex}")
        shutil.copy2(index, copy)
        copy.replace(self.index)

    @contextlib.contextmanager
    def _draft(self) -> Generator[Path]:
        draft = self.index.with_name(f"{self.index.name}.draft-{new_uuid().hex}")
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)
            draft.with_name(f"{draft.name}.lock").unlink(missing_ok=True)


async def _take_in(git: Git, *, pathspecs: Sequence[str]) -> tuple[str, ...]:
    """Brings an index up to the files; returns the folders that are repositories of their own."""
    modified = names((await git.run("ls-files", "-z", "--modified", "--", *pathspecs)).stdout)
    others = names((await git.run("ls-files", "-z", "--others", "--exclude-standard", "--", *pathspecs)).stdout)
    top = git.work_tree or Path()
    gone, folders, present = _sort_out(top, modified)
    submodules = await _submodules(git, folders)
    present += [name for name in folders if name not in submodules]
    present += [name for name in others if not name.endswith(b"/")]
    nested = [name for name in others if name.endswith(b"/")]
    present += await files_of_nested(git, nested)
    for option, chosen in (("--force-remove", gone), ("--replace", present)):
        if chosen:
            options = ("--add", "--remove", option) if option == "--replace" else (option,)
            await git.run("update-index", *options, "-z", "--stdin", stdin=b"\0".join(chosen) + b"\0")
    return tuple(os.fsdecode(name) for name in nested)


def _sort_out(top: Path, modified: Sequence[bytes]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Tracked names that are no file any more, that are folders now, and that are files or links."""
    gone: list[bytes] = []
    folders: list[bytes] = []
    present: list[bytes] = []
    root = os.fsencode(top)
    for name in dict.fromkeys(modified):
        mode = 0 if _is_behind_link(root, name) else _mode(root + b"/" + name)
        if stat.S_ISDIR(mode):
            folders.append(name)
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            present.append(name)
        else:
            gone.append(name)
    return gone, folders, present


async def _submodules(git: Git, candidates: Sequence[bytes]) -> set[bytes]:
    if not candidates:
        return set()
    literal = git.using(extra={"GIT_LITERAL_PATHSPECS": "1"})
    done = await literal.run("ls-files", "-z", "--stage", "--", *map(os.fsdecode, candidates))
    entries = (entry.partition(b"\t") for entry in names(done.stdout) if entry.startswith(_GITLINK))
    return {name for _, _, name in entries}


def _is_behind_link(root: bytes, name: bytes) -> bool:
    parts = name.split(b"/")
    return any(stat.S_ISLNK(_mode(root + b"/" + b"/".join(parts[:depth]))) for depth in range(1, len(parts)))


def _mode(path: bytes) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _without(globs: Sequence[str]) -> tuple[str, ...]:
    return (".", *(f":(exclude,glob){pattern.removeprefix('/')}" for pattern in globs))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
