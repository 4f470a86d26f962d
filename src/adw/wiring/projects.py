"""A project's repository and forge, made from where its source is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from adw.domain.project import ForgeKind, Project
from adw.forge.local.forge import LocalForge
from adw.forge.local.git_repository import GitLocalRepository
from adw.kit.errors import ConfigurationError, InfrastructureError, NotFoundError
from adw.kit.git import (
    Git,
    PersonRepository,
    RepositoryLock,
    create_remote,
    publish_branch,
    retire_branch,
    sync_remote_base,
    unified_diff,
)
from adw.kit.git.diff import plain_diff
from adw.kit.git.foreign import count_as_published, foreign_branches
from adw.kit.git.squash import merge_trees, revert_commit
from adw.kit.git.transfer import bring
from adw.kit.paths import DataPaths
from adw.ports.forge import Forge
from adw.ports.projects import BranchTip, CommittedFile, ForeignTip, RemoteRepository
from adw.ports.workspace import RepositoryRef
from adw.store.db import Database
from adw.wiring.committed import Committed
from adw.wiring.committed_files import branch_tip, list_files, read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProjects:
    """Implements `adw.ports.projects.ProjectAccess` for repositories on this machine."""

    database: Database
    paths: DataPaths
    committed: Committed = field(default_factory=Committed)

    async def find_remote(self, reference: str) -> RemoteRepository | None:  # noqa: ARG002 # the port's shape
        """Everything here is on this machine."""
        return None

    def repository(self, project: Project) -> RepositoryRef:
        _check(project)
        return RepositoryRef(project_id=project.id, source=Path(project.source), remote=self._reachable(project))

    def forge(self, project: Project) -> Forge:
        _check(project)
        repository = GitLocalRepository(bare=self._remote(project), person=Path(project.source))
        return LocalForge(self.database.begin, project_id=project.id, repository=repository)

    async def prepare_remote(self, project: Project, *, base: str, sha: str) -> str:
        remote = self._remote(project)
        remote.parent.mkdir(parents=True, exist_ok=True)
        await create_remote(remote, like=sha, default_branch=base)
        # The lock of merges, which move the base branch as well.
        async with RepositoryLock(remote / "adw-merge.lock"):
            await sync_remote_base(remote, source=Path(project.source), base=base, sha=sha)
        return str(remote)

    async def read_committed(self, project: Project, *, sha: str, path: str) -> bytes | None:
        """From our remote, or from the person's repository as long as the remote does not have the commit."""
        if self.committed.known("file", project.id, sha, path):
            return self.committed.get("file", project.id, sha, path)
        remote = self._remote(project)
        if remote.is_dir():
            git = Git(git_dir=remote)
            content = await read_file(git, sha=sha, path=path)
            if content is not None or await git.has(sha):
                self.committed.keep("file", project.id, sha, path, value=content)
                return content
        if not Path(project.source).is_dir():
            return None
        return await read_file(PersonRepository.at(Path(project.source)).git, sha=sha, path=path)

    async def diff(self, project: Project, *, base: str, head: str) -> str:
        return await unified_diff(await self._remote_with(project, base, head), base=base, head=head)

    async def diff_between(self, project: Project, *, before: str, after: str) -> str:
        return await plain_diff(await self._remote_with(project, before, after), before=before, after=after)

    async def conflicts(self, project: Project, *, head: str, base: str) -> tuple[str, ...]:
        git = await self._remote_with(project, base, head)
        return (await merge_trees(git, ours=base, theirs=head)).conflicts

    async def revert(self, project: Project, *, sha: str, onto: str, message: str) -> str | None:
        git = await self._remote_with(project, sha, onto)
        return await revert_commit(git, sha=sha, onto=onto, message=message)

    async def foreign_tips(self, project: Project, *, branch: str, ours: str) -> tuple[ForeignTip, ...]:
        remote = self._remote(project)
        found = await foreign_branches(Path(project.source), remote=remote, branch=branch, ours=ours)
        return tuple(
            ForeignTip(sha=each.sha, on_remote=each.on_remote, contains_ours=each.contains_ours) for each in found
        )

    async def count_as_published(self, project: Project, *, branch: str, sha: str) -> None:
        await count_as_published(remote=self._remote(project), branch=branch, sha=sha)

    async def retire(self, project: Project, *, branch: str, sha: str) -> str | None:
        remote = self._remote(project)
        return await retire_branch(Path(project.source), remote=remote, branch=branch, sha=sha)

    async def list_committed(self, project: Project, *, sha: str, path: str) -> list[CommittedFile]:
        if self.committed.known("folder", project.id, sha, path):
            return list(self.committed.get("folder", project.id, sha, path))
        git = await self._holder(project, sha)
        if git is None:
            return []
        found = await list_files(git, sha=sha, path=path)
        self.committed.keep("folder", project.id, sha, path, value=tuple(found))
        return found

    async def branch_tip(self, project: Project, *, branch: str, base_sha: str) -> BranchTip | None:
        git = PersonRepository.at(Path(project.source)).git
        sha = await git.resolve(f"refs/heads/{branch}")
        return None if sha is None else await branch_tip(git, sha=sha, base_sha=base_sha)

    async def start_branch(self, project: Project, *, branch: str, sha: str) -> None:
        remote = self._remote(project)
        git = Git(git_dir=remote)
        async with RepositoryLock(remote / "adw-merge.lock"):
            await bring(git, sha, sources=(Path(project.source),))
            if await git.resolve(f"refs/heads/{branch}") is None:
                await git.run("update-ref", f"refs/heads/{branch}", sha)

    async def _remote_with(self, project: Project, *commits: str) -> Git:
        """The remote, which has these commits. Raises NotFoundError."""
        remote = self._remote(project)
        if not remote.is_dir():
            raise NotFoundError(f"project {project.name} has no remote yet", hint=f"it would be {remote}")
        git = Git(git_dir=remote)
        for sha in commits:
            if not await git.has(sha):
                raise NotFoundError(f"commit {sha[:12]} is not on the remote {remote}")
        return git

    async def _holder(self, project: Project, sha: str) -> Git | None:
        """The repository that has a commit: our remote, else the person's."""
        remote = self._remote(project)
        if remote.is_dir() and await (ours := Git(git_dir=remote)).has(sha):
            return ours
        if not Path(project.source).is_dir():
            return None
        theirs = PersonRepository.at(Path(project.source)).git
        return theirs if await theirs.has(sha) else None

    def _remote(self, project: Project) -> Path:
        """Where it was first made, if that is still there: a worker may have another data directory than the server."""
        recorded = None if project.remote is None else Path(project.remote)
        if recorded is not None and recorded.is_dir():
            return recorded
        return self.paths.forge_remote(project.id)

    def _reachable(self, project: Project) -> Path:
        remote = self._remote(project)
        if project.remote is not None and not remote.is_dir():
            raise InfrastructureError(
                f"the repository of project {project.name} is not on this host: {project.remote}",
                hint="Let all workers of the local forge reach the data directory it lies in, as on a shared disk",
            )
        return remote

    async def forget_work(self, project: Project, *, adw_id: str) -> None:
        """The remote is ours alone, and what was never committed is kept there until the clean-up of workspaces."""

    async def publish(self, project: Project, *, branch: str, sha: str) -> str | None:
        source = Path(project.source)
        if not source.exists():
            return f"{source} is gone; the result is in {self._remote(project)}"
        done = await publish_branch(source, remote=self._remote(project), branch=branch, sha=sha)
        return done.note


def _check(project: Project) -> None:
    if project.forge is not ForgeKind.LOCAL:
        raise ConfigurationError(f"project {project.name} is on {project.forge}, which is not configured here")
