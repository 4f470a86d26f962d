"""A merged result's branch goes: from our remote, and from a person's repository if it is still what we put there."""

from __future__ import annotations

from pathlib import Path

from adw.kit.git.foreign import foreign_ref
from adw.kit.git.ownership import give_back_repository
from adw.kit.git.person import PersonRepository
from adw.kit.git.runner import Git


async def retire_branch(person_repository: Path, *, remote: Path, branch: str, sha: str) -> str | None:
    """Removes the branch where it is at this commit. Repeating it is harmless.

    Returns a note when the person's branch stays, because it is checked out or has other commits.
    """
    note = None
    if person_repository.is_dir():
        note = await _retire_in(PersonRepository.at(person_repository), branch=branch, sha=sha)
    ours = Git(git_dir=remote)
    if await ours.resolve(f"refs/heads/{branch}") == sha:
        await ours.run("update-ref", "-d", f"refs/heads/{branch}", sha)
    if await ours.resolve(foreign_ref(branch)) is not None:
        await ours.run("update-ref", "-d", foreign_ref(branch))
    return note


async def _retire_in(person: PersonRepository, *, branch: str, sha: str) -> str | None:
    now = await person.git.resolve(f"refs/heads/{branch}")
    if now is None:
        return None
    if now != sha:
        return f"{branch} stays in {person.path}: it has commits that were not merged"
    checkout = await person.checkout_of(branch)
    if checkout is not None:
        return f"{branch} stays: it is checked out in {checkout.path}"
    try:
        await person.git.run("update-ref", "-d", f"refs/heads/{branch}", sha)
    finally:
        give_back_repository(person)
    return None
