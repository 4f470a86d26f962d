"""Commits of others on a branch of ours: pushed to the remote, or made by a person in their own repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.kit.git.lock import RepositoryLock
from adw.kit.git.person import PersonRepository
from adw.kit.git.publish import published_ref
from adw.kit.git.runner import Git
from adw.kit.git.transfer import bring


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignBranch:
    """Where others took a branch. `contains_ours`: what we last pushed is part of it."""

    sha: str
    on_remote: bool
    contains_ours: bool


async def foreign_branches(person: Path, *, remote: Path, branch: str, ours: str) -> tuple[ForeignBranch, ...]:
    """The branch as it is elsewhere than at `ours`, our last commit: on the remote, and in a person's repository.

    A person's branch that is still what we published there, or is part of what we have, does not count. Commits of
    theirs are copied to the remote.
    """
    git = Git(git_dir=remote)
    found: list[ForeignBranch] = []
    pushed = await git.resolve(f"refs/heads/{branch}")
    if pushed is not None and pushed != ours:
        contains = await git.is_ancestor(ancestor=ours, of=pushed)
        found.append(ForeignBranch(sha=pushed, on_remote=True, contains_ours=contains))
    theirs = await _of_person(person, git, branch=branch)
    known = [ours, *(each.sha for each in found)]
    if theirs is not None and not any([await git.is_ancestor(ancestor=theirs, of=each) for each in known]):
        contains = await git.is_ancestor(ancestor=ours, of=theirs)
        found.append(ForeignBranch(sha=theirs, on_remote=False, contains_ours=contains))
    return tuple(found)


async def count_as_published(*, remote: Path, branch: str, sha: str) -> None:
    """From now on a person's branch at this commit counts as what we wrote there, and may be replaced."""
    await Git(git_dir=remote).run("update-ref", published_ref(branch), sha)


async def _of_person(person: Path, git: Git, *, branch: str) -> str | None:
    """A person's branch unless we left it there; its commits are on our remote afterwards."""
    if not person.exists():
        return None
    repository = PersonRepository.at(person)
    sha = await repository.git.resolve(f"refs/heads/{branch}")
    if sha is None or sha == await git.resolve(published_ref(branch)):
        return None
    if not await git.has(sha):
        async with RepositoryLock(git.git_dir / "adw-merge.lock"):
            await bring(git, sha, sources=(repository.git.git_dir,))
    await git.run("update-ref", foreign_ref(branch), sha)
    return sha


def foreign_ref(branch: str) -> str:
    """Where our remote keeps what a person has on one of our branches."""
    return f"refs/adw/foreign/{branch}"
