"""Where a free agent works: a working tree of its own made from its project's base commit, or an empty private folder.

It is made at its first command and kept between commands. What is in a tree is saved on the project's remote when a
command has ended, so that another host can go on with it, and for good before the tree goes.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adw.domain.agent import ToolPolicy
from adw.domain.config import ProjectConfig, SandboxTable
from adw.domain.free_agent import FreeAgent
from adw.kit.errors import InfrastructureError
from adw.kit.log import get_logger
from adw.kit.process.confinement import Confinement, Door
from adw.ports.containment import Containment, Site
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import RepositoryRef, Workspace, Workspaces, WorkspaceSpec
from adw.project.base_files import BaseFiles
from adw.store.db import Database
from adw.store.projects import get_project
from adw.workflows.secrets import find_secrets

_BROUGHT_BACK = (
    "(Your files were brought back as they were saved after an earlier command; what was changed since then is gone.)"
)

log = get_logger("agency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one agent works now. `note` is what it must be told of its files, if anything."""

    cwd: Path
    home: Path
    workspace: Workspace | None = None
    repository: RepositoryRef | None = None
    sandbox: SandboxTable = field(default_factory=SandboxTable)
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All places of this host. `folder` holds what lies outside of working trees."""

    database: Database
    workspaces: Workspaces
    access: ProjectAccess
    containment: Containment
    folder: Path
    host: str

    async def open(self, agent: FreeAgent) -> Desk:
        """The agent's place, made if it is not here. Raises AdwError when that cannot be done."""
        private = self.folder / agent.id.hex
        files, home = private / "files", private / "home"
        _make(self.folder, private, home, *([] if agent.project_id else [files]))
        if agent.project_id is None or agent.base_sha is None:
            return Desk(cwd=files, home=home)
        async with self.database.read() as connection:
            project = await get_project(connection, agent.project_id)
        config: ProjectConfig = await BaseFiles(access=self.access, project=project, sha=agent.base_sha).config()
        repository = self.access.repository(project)
        known = {entry.name for entry in await self.workspaces.list()}
        workspace = await self.workspaces.prepare_detached(
            repository=repository, name=agent.workspace_name, sha=agent.base_sha
        )
        is_new_here = agent.host != self.host or agent.workspace_name not in known
        if is_new_here and agent.snapshot_sha is not None:
            await workspace.restore(agent.snapshot_sha)
        return Desk(
            cwd=workspace.path,
            home=home,
            workspace=workspace,
            repository=repository,
            sandbox=config.sandbox,
            env=config.env.set,
            note=_BROUGHT_BACK if is_new_here and agent.snapshot_sha is not None else None,
        )

    def confine(self, desk: Desk, policy: ToolPolicy, *, door: Door | None) -> Confinement | None:
        """What the agent and its tools may touch; None where nothing is contained."""
        site = Site(
            tree=desk.cwd,
            home=desk.home,
            git_folder=None if desk.workspace is None else desk.workspace.git_folder,
            is_writable=bool(policy.writable),
        )
        return self.containment.confine(desk.sandbox, site, ways_out=() if door is None else (door,))

    async def save(self, agent: FreeAgent, desk: Desk) -> str | None:
        """Saves a tree on the remote; the commit, or None where there is nothing to save or it must not leave here.

        What looks like a credential is sent to no remote but our own.
        """
        if desk.workspace is None:
            return None
        if not _is_ours(desk) and find_secrets(await desk.workspace.diff(base=agent.base_sha or "")):
            log.warning("agent_not_saved", agent=agent.name, reason="its files hold what looks like a credential")
            return None
        return await desk.workspace.snapshot(label=f"Saved for the agent {agent.name}")

    async def put_away(self, agent: FreeAgent) -> str | None:
        """Removes the place of a deleted agent. Where what it had changed is kept; None when it had changed nothing.

        A folder without a project, and files that must not leave this machine, are left where they are.
        """
        desk = await self.open(agent)
        await asyncio.to_thread(shutil.rmtree, desk.home, ignore_errors=True)
        if desk.workspace is None or desk.repository is None:
            return await asyncio.to_thread(_remove_if_empty, desk.cwd)
        saved = await self.save(agent, desk)
        if saved is None:
            return str(desk.cwd)
        kept = None
        if saved != agent.base_sha:
            kept = agent.kept_ref
            await desk.workspace.keep_as(ref=kept, sha=saved)
        spec = WorkspaceSpec(
            adw_id=agent.workspace_name, repository=desk.repository, branch="", base_sha=agent.base_sha or saved
        )
        await self.workspaces.forget(spec)
        await asyncio.to_thread(shutil.rmtree, desk.home.parent, ignore_errors=True)
        return kept


def _make(*folders: Path) -> None:
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InfrastructureError(
            f"the agent's folder cannot be made: {error.strerror}", hint="look at the disk of the data directory"
        ) from error


def _is_ours(desk: Desk) -> bool:
    return desk.repository is not None and isinstance(desk.repository.remote, Path)


def _remove_if_empty(folder: Path) -> str | None:
    if any(folder.iterdir()):
        return str(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)
    return None
