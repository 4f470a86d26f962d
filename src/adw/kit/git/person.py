"""A person's repository: looked at without taking a lock, refreshing an index or running anything in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import UsageError
from adw.kit.git.changes import names
from adw.kit.git.runner import Git

_BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_START", "rebase-merge", "rebase-apply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A working tree of a repository. `branch` is the one it is on, or is rebasing; `busy` names what is under way."""

    path: Path
    git_dir: Path
    branch: str | None
    busy: str | None

    @property
    def git(self) -> Git:
        return Git(git_dir=self.git_dir, work_tree=self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRepository:
    """`git_dir` is what HEAD is read from, `common_dir` where refs and objects are."""

    path: Path
    git_dir: Path
    common_dir: Path

    @staticmethod
    def at(path: Path) -> PersonRepository:
        """The repository whose top folder or bare folder this is. Raises UsageError with what to do instead."""
        folder = path.expanduser().absolute()
        if not folder.is_dir():
            raise UsageError(f"{path} is not a folder", hint="Give the path of a git repository")
        git_dir = _git_dir(folder)
        if git_dir is None:
            raise UsageError(f"{path} is not a git repository", hint=_advice(folder))
        return PersonRepository(path=folder, git_dir=git_dir, common_dir=_common_dir(git_dir))

    @property
    def git(self) -> Git:
        return Git(git_dir=self.git_dir)

    async def current_branch(self) -> str | None:
        """What HEAD names, born or not; None when it is detached."""
        done = await self.git.run("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))
        return os.fsdecode(done.stdout).strip() or None

    async def branches(self) -> list[str]:
        return (await self.git.text("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")).splitlines()

    async def checkouts(self) -> list[Checkout]:
        """Every working tree that exists: the main one unless the repository is bare, and the linked ones."""
        found = [self._linked(folder) for folder in sorted((self.common_dir / "worktrees").glob("*"))]
        if not await self._is_bare():
            # With `init --separate-git-dir` the repository is elsewhere and `.git` is a file.
            main = self.path if self.git_dir == self.common_dir else self.common_dir.parent
            found.insert(0, _checkout(path=main, git_dir=self.common_dir))
        return [checkout for checkout in found if checkout is not None and checkout.path.is_dir()]

    async def checkout_of(self, branch: str) -> Checkout | None:
        """The working tree that is on a branch, or busy rebasing or bisecting it."""
        return next((checkout for checkout in await self.checkouts() if checkout.branch == branch), None)

    async def _is_bare(self) -> bool:
        done = await Git(git_dir=self.common_dir).run("config", "--type=bool", "--get", "core.bare", accept=(0, 1))
        return done.out.strip() == "true"

    @staticmethod
    def _linked(folder: Path) -> Checkout | None:
        file = _line(folder / "gitdir")
        return _checkout(path=Path(file).parent, git_dir=folder) if file else None


async def uncommitted_files(checkout: Checkout, *, untracked: bool = True) -> int:
    """How many files of a working tree differ from its commit."""
    extent = f"--untracked-files={'all' if untracked else 'no'}"
    done = await checkout.git.run("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=all", extent)
    return len(names(done.stdout))


def _git_dir(folder: Path) -> Path | None:
    link = folder / ".git"
    if link.is_dir():
        return link
    target = _line(link).removeprefix("gitdir: ")
    if target:
        git_dir = folder / target
        return git_dir if (git_dir / "HEAD").exists() else None
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    return folder if is_bare else None


def _common_dir(git_dir: Path) -> Path:
    relative = _line(git_dir / "commondir")
    return Path(os.path.normpath(git_dir / relative)) if relative else git_dir


def _advice(folder: Path) -> str:
    above = next((parent for parent in folder.parents if _git_dir(parent) is not None), None)
    if above is not None:
        return f"Use the top folder of the repository: {above}"
    return f"Make it one: git -C {folder} init, then commit something"


def _checkout(*, path: Path, git_dir: Path) -> Checkout:
    busy = next((name for name in _BUSY if (git_dir / name).exists()), None)
    return Checkout(path=path, git_dir=git_dir, branch=_branch(git_dir), busy=busy)


def _branch(git_dir: Path) -> str | None:
    # While a branch is rebased or bisected HEAD is detached, yet the branch is in use.
    for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
        if used := _line(git_dir / name):
            return used.removeprefix("refs/heads/")
    head = _line(git_dir / "HEAD")
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None


def _line(path: Path) -> str:
    return os.fsdecode(path.read_bytes()).strip() if path.is_file() else ""
