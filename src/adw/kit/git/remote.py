"""The remote of a local project: a bare repository of our own that follows the person's base branch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import ConflictError
from adw.kit.git.bare import BareRepository
from adw.kit.git.squash import compare_and_swap
from adw.kit.git.transfer import bring


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedBase:
    """Where the base branch of the remote is now. It may be ahead of the person's, by merges of ours."""

    sha: str
    moved: bool


async def create_remote(path: Path, *, like: str = "", default_branch: str = "main") -> BareRepository:
    """Our own bare repository at `path`, made unless it exists. `like` is a commit that decides the object format."""
    bare = BareRepository(path=path)
    await bare.create(like=like, head=default_branch)
    return bare


async def sync_remote_base(remote: Path, *, source: Path | str, base: str, sha: str) -> SyncedBase:
    """Moves the remote's base branch forward to a person's commit.

    A person who rewrote the branch (amend, rebase) is followed as long as nothing of ours was merged on the remote;
    otherwise ConflictError.
    """
    bare = BareRepository(path=remote)
    bare.enforce()
    git, ref, memory = bare.git, f"refs/heads/{base}", f"refs/adw/synced/{base}"
    await bring(git, sha, sources=(source,))
    now = await git.resolve(ref)
    if now is not None and await git.is_ancestor(ancestor=sha, of=now):
        return SyncedBase(sha=now, moved=False)
    if now is not None and now != await git.resolve(memory) and not await git.is_ancestor(ancestor=now, of=sha):
        raise ConflictError(
            f"{base} was rewritten after work had been merged into it",
            hint=f"Bring the merged work in first: git pull {remote} {base}",
        )
    await git.run("update-ref", memory, sha)
    await compare_and_swap(git, ref=ref, new=sha, old=now)
    return SyncedBase(sha=sha, moved=True)
