"""Projects whose repository and forge are on GitHub. Commits are read from the mirror their workflows use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from adw.domain.project import Project
from adw.forge.github import GitHub
from adw.kit.errors import ConflictError, NotFoundError
from adw.kit.git import Git, PersonRepository, unified_diff
from adw.kit.git.access import Credential
from adw.kit.git.diff import plain_diff
from adw.kit.git.runner import GitCommandError
from adw.kit.git.squash import merge_trees, revert_commit
from adw.kit.git.transfer import remote_refs
from adw.ports.forge import Forge
from adw.ports.projects import BranchTip, CommittedFile, ForeignTip, RemoteRepository
from adw.ports.workspace import RepositoryRef
from adw.wiring.committed import Committed
from adw.wiring.committed_files import branch_tip, list_files, read_file
from adw.workspace.git import GitWorkspaces
from adw.workspace.git.mirror import Mirror
from adw.workspace.git.push import delete_branch, delete_refs, push_ref

_FULL_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/([A-Za-z0-9._-]{1,100})")
_SSH = re.compile(r"(?:ssh://)?git@([^/:]+)[:/](.+)")


@dataclass(frozen=True, slots=True)
class GitHubAccess:
    """Implements `adw.kit.git.access.RemoteAccess`: what git logs in with, for GitHub's own host only."""

    github: GitHub

    async def credential_for(self, url: str) -> Credential | None:
        return await self.github.git_credential(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubProjects:
    """Implements `adw.ports.projects.ProjectAccess` for repositories on GitHub."""

    github: GitHub
    server_url: str
    workspaces: GitWorkspaces
    committed: Committed = field(default_factory=Committed)

    async def find_remote(self, reference: str) -> RemoteRepository | None:
        checkout = Path(reference) if Path(reference).is_absolute() else None
        if checkout is not None and not checkout.is_dir():
            return None
        address = reference if checkout is None else await _origin_of(checkout)
        name = full_name_in(address, server_url=self.server_url)
        if name is None:
            return None
        found = await self.github.repository(name)
        return RemoteRepository(
            source=found.full_name,
            default_branch=found.default_branch,
            url=self.github.clone_url(found.full_name),
            checkout=checkout,
        )

    def repository(self, project: Project) -> RepositoryRef:
        url = self.github.clone_url(project.source)
        return RepositoryRef(project_id=project.id, source=url, remote=url)

    def forge(self, project: Project) -> Forge:
        return self.github.forge(project.source)

    async def prepare_remote(self, project: Project, *, base: str, sha: str) -> str:  # noqa: ARG002 # the port's shape
        await self._with(project, sha)
        return self.github.clone_url(project.source)

    async def read_committed(self, project: Project, *, sha: str, path: str) -> bytes | None:
        key = ("file", project.id, sha, path)
        if self.committed.known(*key):
            return self.committed.get(*key)
        content = await read_file(await self._with(project, sha), sha=sha, path=path)
        self.committed.keep(*key, value=content)
        return content

    async def list_committed(self, project: Project, *, sha: str, path: str) -> list[CommittedFile]:
        key = ("folder", project.id, sha, path)
        if self.committed.known(*key):
            return list(self.committed.get(*key))
        found = await list_files(await self._with(project, sha), sha=sha, path=path)
        self.committed.keep(*key, value=tuple(found))
        return found

    async def branch_tip(self, project: Project, *, branch: str, base_sha: str) -> BranchTip | None:
        sha = await self._remote_head(project, branch)
        if sha is None:
            return None
        return await branch_tip(await self._with(project, base_sha, sha), sha=sha, base_sha=base_sha)

    async def start_branch(self, project: Project, *, branch: str, sha: str) -> None:
        if await self._remote_head(project, branch) is not None:
            return
        git, url = await self._with(project, sha), self.github.clone_url(project.source)
        ref = f"refs/heads/{branch}"
        await push_ref(git, url, sha=sha, ref=ref, expected_old=None, access=self._access)

    async def diff(self, project: Project, *, base: str, head: str) -> str:
        return await unified_diff(await self._with(project, base, head), base=base, head=head)

    async def diff_between(self, project: Project, *, before: str, after: str) -> str:
        return await plain_diff(await self._with(project, before, after), before=before, after=after)

    async def conflicts(self, project: Project, *, head: str, base: str) -> tuple[str, ...]:
        git = await self._with(project, base, head)
        return (await merge_trees(git, ours=base, theirs=head)).conflicts

    async def revert(self, project: Project, *, sha: str, onto: str, message: str) -> str | None:
        git = await self._with(project, sha, onto)
        return await revert_commit(git, sha=sha, onto=onto, message=message)

    async def foreign_tips(self, project: Project, *, branch: str, ours: str) -> tuple[ForeignTip, ...]:
        sha = await self._remote_head(project, branch)
        if sha is None or sha == ours:
            return ()
        git = await self._with(project, ours, sha)
        contains = await git.is_ancestor(ancestor=ours, of=sha)
        return (ForeignTip(sha=sha, on_remote=True, contains_ours=contains),)

    async def count_as_published(self, project: Project, *, branch: str, sha: str) -> None:
        """Nobody has a copy of ours: what is on GitHub is all there is."""

    async def publish(self, project: Project, *, branch: str, sha: str) -> str | None:  # noqa: ARG002 # the port's shape
        """The branch is on GitHub already, where a person looks for it."""
        return None

    async def forget_work(self, project: Project, *, adw_id: str) -> None:
        mirror, url = self._mirror(project), self.github.clone_url(project.source)
        await mirror.create(like="")
        await delete_refs(mirror.git, url, prefix=f"refs/adw/{adw_id}/", access=self._access)

    async def retire(self, project: Project, *, branch: str, sha: str) -> str | None:
        now = await self._remote_head(project, branch)
        if now is None:
            return None
        if now != sha:
            return f"{branch} stays on GitHub: it has commits that were not merged"
        try:
            url = self.github.clone_url(project.source)
            await delete_branch(self._mirror(project).git, url, branch=branch, sha=sha, access=self._access)
        except ConflictError:
            return f"{branch} stays on GitHub: it has commits that were not merged"
        return None

    @property
    def _access(self) -> GitHubAccess:
        return GitHubAccess(self.github)

    def _mirror(self, project: Project) -> Mirror:
        return self.workspaces.mirror_of(project.id)

    async def _remote_head(self, project: Project, branch: str) -> str | None:
        ref, mirror = f"refs/heads/{branch}", self._mirror(project)
        await mirror.create(like="")
        url = self.github.clone_url(project.source)
        return (await remote_refs(mirror.git, url, names=(ref,), access=self._access)).get(ref)

    async def _with(self, project: Project, *commits: str) -> Git:
        """The mirror, which has these commits. Raises NotFoundError."""
        mirror, url = self._mirror(project), self.github.clone_url(project.source)
        await mirror.create(like=commits[0])
        for sha in commits:
            try:
                await mirror.bring(sha, sources=(url,))
            except GitCommandError as error:
                if "not our ref" not in error.stderr and "unadvertised object" not in error.stderr:
                    raise
                raise NotFoundError(f"commit {sha[:12]} is not in {project.source}") from error
        return mirror.git


async def _origin_of(checkout: Path) -> str:
    git = PersonRepository.at(checkout).git
    return (await git.run("config", "--get", "remote.origin.url", accept=(0, 1))).out.strip()


def full_name_in(reference: str, *, server_url: str) -> str | None:
    """`owner/name` out of itself or of an address on that server; None for anything else."""
    text = reference.strip()
    host = urlsplit(server_url).netloc
    ssh = _SSH.fullmatch(text)
    if ssh is not None:
        text = ssh[2] if ssh[1] == host else ""
    elif "://" in text:
        parts = urlsplit(text)
        text = "/".join(parts.path.strip("/").split("/")[:2]) if parts.netloc.rpartition("@")[2] == host else ""
    match = _FULL_NAME.fullmatch(text.removesuffix(".git"))
    return None if match is None or match[2] in {".", ".."} else f"{match[1]}/{match[2]}"
