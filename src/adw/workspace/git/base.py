"""Which commit a run starts from, and what a person should know about it. Only reads."""

from __future__ import annotations

from pathlib import Path

from adw.kit.errors import UsageError
from adw.kit.git.access import RemoteAccess, authorised, is_local, remote_arguments
from adw.kit.git.person import PersonRepository, uncommitted_files
from adw.kit.git.runner import Git, GitCommandError
from adw.ports.workspace import BaseRef, RepositoryRef

_USUAL_NAMES = ("main", "master")


async def resolve_base(repository: RepositoryRef, *, base: str | None, access: RemoteAccess | None) -> BaseRef:
    """Implements `Workspaces.resolve_base`."""
    if is_local(repository.source):
        return await _local(Path(repository.source), base=base)
    found = await _remote(str(repository.source), base=base, access=access)
    if repository.checkout is None:
        return found
    person = PersonRepository.at(repository.checkout)
    notes = [*await _unpushed(person, found), *await _dirty(person)]
    return BaseRef(name=found.name, sha=found.sha, notes=tuple(notes))


async def _local(path: Path, *, base: str | None) -> BaseRef:
    person = PersonRepository.at(path)
    name = base or await _default_branch(person)
    sha = await person.git.resolve(f"refs/heads/{name}")
    if sha is None:
        raise await _no_such_branch(person, name)
    return BaseRef(name=name, sha=sha, notes=tuple(await _dirty(person)))


async def _default_branch(person: PersonRepository) -> str:
    """What HEAD names; when it is detached the one branch, or one with a usual name."""
    current = await person.current_branch()
    if current is not None:
        return current
    branches = await person.branches()
    usual = branches if len(branches) == 1 else [name for name in _USUAL_NAMES if name in branches]
    if not usual:
        raise UsageError(f"{person.path} is on no branch", hint="Name the base branch, for example --base main")
    return usual[0]


async def _no_such_branch(person: PersonRepository, name: str) -> UsageError:
    branches = await person.branches()
    if not branches:
        return UsageError(
            f"{person.path} has no commit yet",
            hint=f"Commit something first: git -C {person.path} commit --allow-empty -m 'First commit'",
        )
    return UsageError(
        f"{person.path} has no branch {name!r}", hint=f"Name a base branch that exists: {', '.join(branches[:5])}"
    )


async def _dirty(person: PersonRepository) -> list[str]:
    own = next((checkout for checkout in await person.checkouts() if checkout.path == person.path), None)
    count = await uncommitted_files(own) if own is not None else 0
    if count == 0:
        return []
    return [f"{count} uncommitted file{'s' if count > 1 else ''} in {person.path} will not be included"]


async def _unpushed(person: PersonRepository, base: BaseRef) -> list[str]:
    ref = f"refs/heads/{base.name}"
    if await person.git.resolve(ref) is None:
        return []
    known = [base.sha] if await person.git.has(base.sha) else ["--remotes"]
    count = int(await person.git.text("rev-list", "--count", ref, "--not", *known, "--"))
    if count == 0:
        return []
    return [f"{count} commit{'s' if count > 1 else ''} of {base.name} in {person.path} not pushed, so not included"]


async def _remote(url: str, *, base: str | None, access: RemoteAccess | None) -> BaseRef:
    wanted = f"refs/heads/{base}" if base else "HEAD"
    git = Git(git_dir=Path("/"))
    try:
        async with authorised(git, url, access) as allowed:
            output = await allowed.text("ls-remote", "--quiet", "--symref", *remote_arguments(url), wanted)
    except GitCommandError as error:
        raise UsageError(f"{url} cannot be read: {error.stderr}", hint="Check the address and the token") from error
    name, sha = base, None
    for line in output.splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: refs/heads/") and ref == wanted:
            name = value.removeprefix("ref: refs/heads/")
        elif ref == wanted:
            sha = value
    if sha is None or name is None:
        raise UsageError(f"{url} has no branch {base or 'that is its default'}", hint="Name a branch that exists there")
    return BaseRef(name=name, sha=sha)
