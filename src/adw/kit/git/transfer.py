"""Brings commits from one repository to another without touching any ref, lock or setting that was not asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adw.kit.git.access import RemoteAccess, authorised, remote_arguments
from adw.kit.git.runner import Git, GitCommandError

_FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--refmap=",
    "--no-auto-maintenance",
    "--no-recurse-submodules",
    "--no-prune",
    "--update-shallow",
)


async def fetch(git: Git, remote: Path | str, *refspecs: str, access: RemoteAccess | None = None) -> None:
    """Fetches refspecs or bare commit ids. Holders of the repository's lock only: worktrees must hold still."""
    async with authorised(git, remote, access) as allowed:
        await allowed.run(*_FETCH, *remote_arguments(remote), *refspecs, timeout_s=1800)


async def remote_refs(
    git: Git, remote: Path | str, *, names: Sequence[str], access: RemoteAccess | None = None
) -> dict[str, str]:
    """The commits of some full ref names on a remote; those it lacks are left out."""
    async with authorised(git, remote, access) as allowed:
        output = await allowed.text("ls-remote", "--quiet", *remote_arguments(remote), *names)
    found = (line.partition("\t") for line in output.splitlines())
    return {name: sha for sha, _, name in found if name in names}


async def bring(git: Git, sha: str, *, sources: Sequence[Path | str], access: RemoteAccess | None = None) -> None:
    """Makes a commit available from the first source that has it. Raises what the first source said."""
    failure: GitCommandError | None = None
    for source in () if await git.has(sha) else sources:
        try:
            await fetch(git, source, sha, access=access)
        except GitCommandError as error:
            failure = failure or error
        else:
            return
    if failure is not None:
        raise failure
