"""Merging in a bare repository: no working tree, and the branch moves only if it is where it was expected."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from adw.kit.errors import ConflictError, GitError
from adw.kit.git.bare import BareRepository
from adw.kit.git.runner import Git, GitCommandError, Identity

_OBJECT_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedTree:
    """The result of a merge that nobody committed yet; conflicts are paths."""

    tree: str
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SquashResult:
    """`sha` is the base branch's new commit, or None when `conflicts` forbid it."""

    sha: str | None
    conflicts: tuple[str, ...] = ()


async def merge_trees(git: Git, *, ours: str, theirs: str) -> MergedTree:
    """Merges two commits as files would merge, without writing any."""
    args = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    done = await git.run(*args, accept=(0, 1))
    first, *paths = done.stdout.split(b"\0")
    # An unknown commit also ends with 1, but then no tree is printed.
    if _OBJECT_ID.fullmatch(first) is None:
        raise GitCommandError(command=args, code=done.code, stderr=done.stderr or b"no tree was written")
    conflicts = tuple(dict.fromkeys(os.fsdecode(path) for path in paths if path)) if done.code == 1 else ()
    return MergedTree(tree=first.decode(), conflicts=conflicts)


async def squash_merge(
    bare: BareRepository,
    *,
    base_branch: str,
    expected_base: str,
    head_sha: str,
    message: str,
    identity: Identity | None = None,
) -> SquashResult:
    """Puts everything `head_sha` has on top of the base branch as one commit.

    Raises ConflictError if the branch is no longer at `expected_base`. A head without anything new moves nothing and
    returns the base.
    """
    bare.enforce()
    git = bare.git.using(extra=(identity or Identity()).environment())
    merged = await merge_trees(git, ours=expected_base, theirs=head_sha)
    if merged.conflicts:
        return SquashResult(sha=None, conflicts=merged.conflicts)
    if merged.tree == await git.text("rev-parse", f"{expected_base}^{{tree}}"):
        return SquashResult(sha=expected_base)
    sha = await git.text("commit-tree", merged.tree, "-p", expected_base, "-F", "-", stdin=message.encode())
    await compare_and_swap(git, ref=f"refs/heads/{base_branch}", new=sha, old=expected_base)
    return SquashResult(sha=sha)


async def revert_commit(git: Git, *, sha: str, onto: str, message: str) -> str | None:
    """A commit on top of `onto`, which has `sha` in it, that takes back what `sha` brought; None when it conflicts.

    It is on no branch.
    """
    ours = git.using(extra=Identity().environment())
    before = await git.text("rev-parse", f"{sha}^1^{{tree}}")
    undone = await ours.text("commit-tree", before, "-p", sha, "-m", "As it was before")
    merged = await merge_trees(git, ours=onto, theirs=undone)
    if merged.conflicts:
        return None
    return await ours.text("commit-tree", merged.tree, "-p", onto, "-F", "-", stdin=message.encode(errors="replace"))


async def compare_and_swap(git: Git, *, ref: str, new: str, old: str | None) -> None:
    """Moves a ref from `old` (None: from not existing) to `new`, or raises ConflictError if it is elsewhere."""
    zero = "0" * len(new)
    try:
        await git.run("update-ref", "-m", "adw", ref, new, old or zero)
    except GitCommandError as error:
        now = await git.resolve(ref)
        if now != old:
            raise ConflictError(
                f"{ref.removeprefix('refs/heads/')} moved from {(old or 'nothing')[:12]} to {(now or 'nothing')[:12]}",
                hint="Look at the new state and try again",
            ) from error
        raise GitError(f"{ref} cannot be moved: {error.stderr}", hint="Is another git at work there? Retry") from error
