"""Finding the repository a request speaks of, and what it says of itself. Only looks; nothing is made here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from adw.domain.config import CONFIG_FILE, ProjectConfig, parse_config
from adw.domain.project import ForgeKind, Project
from adw.kit.errors import NotFoundError, UsageError
from adw.ports.projects import ProjectAccess
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
        """Raises UsageError when it is neither a repository nor a known project, or its base does not exist."""
        path = _existing_path(reference)
        if path is None:
            known = await self._known(reference)
            path, base = Path(known.source), base or known.base_branch
        source = path.resolve()
        identity = project_id_of(source)
        repository = RepositoryRef(project_id=identity, source=source, remote=source)
        at = await self.workspaces.resolve_base(repository, base=base)
        project = Project(
            id=identity,
            name=source.name.removesuffix(".git"),
            forge=ForgeKind.LOCAL,
            source=str(source),
            base_branch=at.name,
            created_at=datetime.now(UTC),
        )
        return Found(project=project, base=at)

    async def configured(self, found: Found) -> tuple[Found, ProjectConfig]:
        """The repository at the base its own settings name, with the settings that hold on that commit.

        Raises ConfigurationError when they cannot be used.
        """
        config = await self.config_of(found)
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

    async def _known(self, reference: str) -> Project:
        try:
            async with self.database.read() as connection:
                return await projects.find_project(connection, reference)
        except NotFoundError as error:
            raise UsageError(
                f"{reference!r} is neither a repository nor a known project",
                hint="give the path of a git repository, or see `adw project list`",
            ) from error


def project_id_of(source: Path) -> str:
    """A short stable id: the folder's name and a digest of its path."""
    digest = hashlib.sha256(str(source).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in source.name.removesuffix(".git"))
    return f"{name.strip('-').lower()[:40] or 'project'}-{digest}"


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
