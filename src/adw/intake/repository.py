"""Finding the repository a request speaks of, and what it says of itself. Only looks; nothing is made here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from adw.domain.config import CONFIG_FILE, ProjectConfig, parse_config
from adw.domain.project import ForgeKind, Project
from adw.kit.errors import ConfigurationError, NotFoundError, UsageError
from adw.ports.projects import ProjectAccess, RemoteRepository
from adw.ports.workspace import BaseRef, RepositoryRef, Workspaces
from adw.store import projects
from adw.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A repository as a project would describe it, and the commit its base is at now."""

    project: Project
    base: BaseRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """Looks for repositories by path, and for known projects by id or name."""

    database: Database
    workspaces: Workspaces
    access: ProjectAccess

    async def find(self, reference: str, *, base: str | None = None) -> Found:
        """By path, by the id or name of a known project, or by what it is called on the network.

        Raises UsageError when it is none of these, or its base does not exist.
        """
        path = _existing_path(reference)
        if path is not None:
            return await self._local(path, base=base)
        known = await self._known(reference)
        if known is not None and known.forge is ForgeKind.LOCAL:
            return await self._local(Path(known.source), base=base or known.base_branch)
        remote = await self.access.find_remote(reference if known is None else known.source)
        if remote is None:
            raise UsageError(
                f"{reference!r} is neither a repository nor a known project",
                hint="give the path of a git repository or `owner/name`, or see `adw project list`",
            )
        return await self._remote(remote, base=base or (known.base_branch if known else None))

    async def configured(self, found: Found) -> tuple[Found, ProjectConfig]:
        """The repository on the forge and at the base its own settings name, with the settings that hold there.

        Raises ConfigurationError when they cannot be used.
        """
        config = await self.config_of(found)
        if config.project.forge == ForgeKind.GITHUB and found.project.forge is ForgeKind.LOCAL:
            found = await self._origin(found, base=config.project.base)
            return found, await self.config_of(found)
        wanted = config.project.base
        if wanted in {None, found.base.name}:
            return found, config
        moved = await self.find(found.project.source, base=wanted)
        notes = tuple(dict.fromkeys((*found.base.notes, *moved.base.notes)))
        moved = replace(moved, base=replace(moved.base, notes=notes))
        return moved, await self.config_of(moved)

    async def config_of(self, found: Found) -> ProjectConfig:
        """The settings that hold on the commit work would start from. Raises ConfigurationError."""
        content = await self.access.read_committed(found.project, sha=found.base.sha, path=CONFIG_FILE)
        source = f"{CONFIG_FILE} of {found.project.name}"
        return parse_config((content or b"").decode("utf-8", "replace"), source=source)

    async def _local(self, path: Path, *, base: str | None) -> Found:
        source = path.resolve()
        identity = project_id_of(source)
        repository = RepositoryRef(project_id=identity, source=source, remote=source)
        at = await self.workspaces.resolve_base(repository, base=base)
        return _found(identity, source.name.removesuffix(".git"), ForgeKind.LOCAL, str(source), at)

    async def _remote(self, remote: RemoteRepository, *, base: str | None) -> Found:
        identity = remote_project_id(remote.url)
        repository = RepositoryRef(project_id=identity, source=remote.url, remote=remote.url, checkout=remote.checkout)
        at = await self.workspaces.resolve_base(repository, base=base or remote.default_branch)
        return _found(identity, remote.source, ForgeKind.GITHUB, remote.source, at)

    async def _origin(self, found: Found, *, base: str | None) -> Found:
        """The repository on the network that a local clone comes from."""
        remote = await self.access.find_remote(found.project.source)
        if remote is None:
            raise ConfigurationError(
                f'{CONFIG_FILE} says `forge = "github"`, but the origin of {found.project.source} is not on GitHub',
                hint="name the repository with `--repo owner/name`, or set GITHUB_SERVER_URL to its server",
            )
        return await self._remote(remote, base=base)

    async def _known(self, reference: str) -> Project | None:
        try:
            async with self.database.read() as connection:
                return await projects.find_project(connection, reference)
        except NotFoundError:
            return None


def project_id_of(source: Path) -> str:
    """A short stable id: the folder's name and a digest of its path."""
    return _identity(source.name.removesuffix(".git"), str(source))


def remote_project_id(url: str) -> str:
    """The same for a repository on the network, whatever case its name is written in."""
    owner, name = url.removesuffix(".git").lower().rsplit("/", 2)[1:]
    return _identity(f"{owner}-{name}", url.removesuffix(".git").lower())


def _identity(name: str, whole: str) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
    return f"{plain.strip('-').lower()[:40] or 'project'}-{digest}"


def _found(identity: str, name: str, forge: ForgeKind, source: str, base: BaseRef) -> Found:
    project = Project(
        id=identity, name=name, forge=forge, source=source, base_branch=base.name, created_at=datetime.now(UTC)
    )
    return Found(project=project, base=base)


def _existing_path(reference: str) -> Path | None:
    """The absolute path this is, if there is something; relative ones mean nothing to a server."""
    try:
        path = Path(reference).expanduser()
        if not path.is_absolute() or not path.exists():
            return None
    except (OSError, RuntimeError, ValueError):  # too long, the home of nobody, or not a path at all
        return None
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError as error:
        raise UsageError("the path holds bytes that are not UTF-8", hint="rename the folder") from error
    return path
