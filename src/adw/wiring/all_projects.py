"""Every project's own kind of access, chosen by the forge it lives on."""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.project import ForgeKind, Project
from adw.ports.forge import Forge
from adw.ports.projects import BranchTip, CommittedFile, ForeignTip, ProjectAccess, RemoteRepository
from adw.ports.workspace import RepositoryRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AllProjects:
    """Implements `adw.ports.projects.ProjectAccess` by whoever serves the project's forge."""

    local: ProjectAccess
    github: ProjectAccess

    async def find_remote(self, reference: str) -> RemoteRepository | None:
        return await self.github.find_remote(reference)

    def repository(self, project: Project) -> RepositoryRef:
        return self._of(project).repository(project)

    def forge(self, project: Project) -> Forge:
        return self._of(project).forge(project)

    async def prepare_remote(self, project: Project, *, base: str, sha: str) -> str:
        return await self._of(project).prepare_remote(project, base=base, sha=sha)

    async def read_committed(self, project: Project, *, sha: str, path: str) -> bytes | None:
        return await self._of(project).read_committed(project, sha=sha, path=path)

    async def list_committed(self, project: Project, *, sha: str, path: str) -> list[CommittedFile]:
        return await self._of(project).list_committed(project, sha=sha, path=path)

    async def branch_tip(self, project: Project, *, branch: str, base_sha: str) -> BranchTip | None:
        return await self._of(project).branch_tip(project, branch=branch, base_sha=base_sha)

    async def start_branch(self, project: Project, *, branch: str, sha: str) -> None:
        await self._of(project).start_branch(project, branch=branch, sha=sha)

    async def diff(self, project: Project, *, base: str, head: str) -> str:
        return await self._of(project).diff(project, base=base, head=head)

    async def diff_between(self, project: Project, *, before: str, after: str) -> str:
        return await self._of(project).diff_between(project, before=before, after=after)

    async def conflicts(self, project: Project, *, head: str, base: str) -> tuple[str, ...]:
        return await self._of(project).conflicts(project, head=head, base=base)

    async def revert(self, project: Project, *, sha: str, onto: str, message: str) -> str | None:
        return await self._of(project).revert(project, sha=sha, onto=onto, message=message)

    async def foreign_tips(self, project: Project, *, branch: str, ours: str) -> tuple[ForeignTip, ...]:
        return await self._of(project).foreign_tips(project, branch=branch, ours=ours)

    async def count_as_published(self, project: Project, *, branch: str, sha: str) -> None:
        await self._of(project).count_as_published(project, branch=branch, sha=sha)

    async def publish(self, project: Project, *, branch: str, sha: str) -> str | None:
        return await self._of(project).publish(project, branch=branch, sha=sha)

    async def forget_work(self, project: Project, *, adw_id: str) -> None:
        await self._of(project).forget_work(project, adw_id=adw_id)

    async def retire(self, project: Project, *, branch: str, sha: str) -> str | None:
        return await self._of(project).retire(project, branch=branch, sha=sha)

    def _of(self, project: Project) -> ProjectAccess:
        return self.github if project.forge is ForgeKind.GITHUB else self.local
