"""After a merge a person's base branch moves only by a fast-forward that cannot disturb a checkout."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import ConflictError
from adw.kit.git.ownership import give_back_files, give_back_repository
from adw.kit.git.person import Checkout, PersonRepository, uncommitted_files
from adw.kit.git.runner import GitCommandError
from adw.kit.git.squash import compare_and_swap
from adw.kit.git.transfer import bring


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseUpdate:
    """Whether the branch has the commit now; if not, why, and the command that brings it in."""

    moved: bool
    note: str | None = None
    command: str | None = None


async def fast_forward_base(person_repository: Path, *, base: str, new_sha: str, remote: Path) -> BaseUpdate:
    """Moves a person's base branch to a commit that `remote` (our own repository) has, if nothing can be lost."""
    person = PersonRepository.at(person_repository)
    try:
        return await _fast_forward(person, base=base, new_sha=new_sha, remote=remote)
    finally:
        give_back_repository(person)


async def _fast_forward(person: PersonRepository, *, base: str, new_sha: str, remote: Path) -> BaseUpdate:
    git, ref = person.git, f"refs/heads/{base}"
    now = await git.resolve(ref)
    command = _command(person.path, remote=remote, base=base)
    if now is None:
        return BaseUpdate(moved=False, note=f"{base} does not exist there", command=command)
    await bring(git, new_sha, sources=(remote,))
    if await git.is_ancestor(ancestor=new_sha, of=now):
        return BaseUpdate(moved=True)
    if not await git.is_ancestor(ancestor=now, of=new_sha):
        return BaseUpdate(moved=False, note=f"{base} has commits that were not part of the merge", command=command)
    checkout = await person.checkout_of(base)
    if checkout is not None:
        command = _command(checkout.path, remote=remote, base=base)
        return await _in_checkout(checkout, now=now, new_sha=new_sha, command=command)
    try:
        await compare_and_swap(git, ref=ref, new=new_sha, old=now)
    except ConflictError:
        return BaseUpdate(moved=False, note=f"{base} changed just now", command=command)
    return BaseUpdate(moved=True)


async def _in_checkout(checkout: Checkout, *, now: str, new_sha: str, command: str) -> BaseUpdate:
    obstacle = await _obstacle(checkout, new_sha=new_sha)
    if obstacle is not None:
        return BaseUpdate(moved=False, note=obstacle, command=command)
    try:
        # By default a merge overwrites ignored files that are in its way.
        await checkout.git.run("merge", "--ff-only", "--no-overwrite-ignore", "--no-autostash", "--quiet", new_sha)
    except GitCommandError as error:
        return BaseUpdate(moved=False, note=f"{checkout.path} was left alone: {error.stderr}", command=command)
    await give_back_files(checkout, old=now, new=new_sha)
    return BaseUpdate(moved=True)


async def _obstacle(checkout: Checkout, *, new_sha: str) -> str | None:
    """Why this working tree must be left alone. Untracked files in the way are noticed by the merge itself."""
    if checkout.busy is not None:
        return f"{checkout.path} is in the middle of something ({checkout.busy})"
    changed = await uncommitted_files(checkout, untracked=False)
    if changed:
        return f"{checkout.path} has uncommitted changes in {changed} tracked file{'s' if changed > 1 else ''}"
    if await _needs_filters(checkout, new_sha=new_sha):
        return f"files in {checkout.path} pass through a filter that only your own git runs"
    return None


async def _needs_filters(checkout: Checkout, *, new_sha: str) -> bool:
    """Such as large-file storage: we run no filters, so we must not write such files."""
    git = checkout.git
    paths = await git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", "HEAD", new_sha, "--")
    said = await git.run("check-attr", "-z", "--stdin", "filter", stdin=paths.stdout)
    return any(value not in {b"unspecified", b"unset"} for value in said.stdout.split(b"\0")[2::3])


def _command(path: Path, *, remote: Path, base: str) -> str:
    words = ["git", "-C", str(path), "pull", "--ff-only", str(remote), base]
    return shlex.join(words)
