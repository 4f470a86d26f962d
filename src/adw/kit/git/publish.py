"""Results arrive in a person's repository as a branch: written only if it is absent or still what we wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import ConflictError
from adw.kit.git.ownership import give_back_repository
from adw.kit.git.person import PersonRepository
from adw.kit.git.runner import Git
from adw.kit.git.squash import compare_and_swap
from adw.kit.git.transfer import bring


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """`note` says why a branch was left alone, and how to get at the result instead."""

    written: bool
    note: str | None = None


async def publish_branch(person_repository: Path, *, remote: Path, branch: str, sha: str) -> Publication:
    """Writes `refs/heads/<branch>` in a person's repository; `remote` is our own repository that has the commit.

    Ours is a branch that can be fast-forwarded to the commit, or that still is what we last wrote there (remembered
    in `remote`). A branch that is checked out is left alone.
    """
    person, ours = PersonRepository.at(person_repository), Git(git_dir=remote)
    now = await person.git.resolve(f"refs/heads/{branch}")
    if now != sha:
        try:
            note = await _write(person, ours, branch=branch, now=now, sha=sha)
        finally:
            give_back_repository(person)
        if note is not None:
            return Publication(written=False, note=f"{note}; the result is commit {sha[:12]} in {remote}")
    await ours.run("update-ref", published_ref(branch), sha)
    return Publication(written=now != sha)


async def _write(person: PersonRepository, ours: Git, *, branch: str, now: str | None, sha: str) -> str | None:
    """Writes the branch, or says why not."""
    await bring(person.git, sha, sources=(ours.git_dir,))
    published = await ours.resolve(published_ref(branch))
    refusal = await _refusal(person, branch=branch, now=now, sha=sha, published=published)
    if refusal is not None:
        return refusal
    try:
        await compare_and_swap(person.git, ref=f"refs/heads/{branch}", new=sha, old=now)
    except ConflictError:
        return f"{branch} changed just now and was left alone"
    return None


def published_ref(branch: str) -> str:
    """Where our remote remembers what we last wrote into a person's branch."""
    return f"refs/adw/published/{branch}"


async def _refusal(
    person: PersonRepository, *, branch: str, now: str | None, sha: str, published: str | None
) -> str | None:
    checkout = await person.checkout_of(branch)
    if checkout is not None:
        return f"{branch} is checked out in {checkout.path} and was left alone"
    if now is None or now == published or await person.git.is_ancestor(ancestor=now, of=sha):
        return None
    return f"{branch} exists with commits that are not ours and was left alone"
