"""How a project's repository and forge are reached."""

from __future__ import annotations

from typing import Protocol

from adw.domain.project import Project
from adw.ports.forge import Forge
from adw.ports.workspace import RepositoryRef


class ProjectAccess(Protocol):
    """Gives the adapters that belong to a project. Wiring knows which they are."""

    def repository(self, project: Project) -> RepositoryRef: ...

    def forge(self, project: Project) -> Forge: ...

    async def prepare_remote(self, project: Project, *, base: str, sha: str) -> None:
        """Makes sure the remote exists and knows the base commit. Idempotent."""
        ...

    async def read_committed(self, project: Project, *, sha: str, path: str) -> bytes | None:
        """A file's content at a commit, or None if the commit has no such file."""
        ...

    async def diff(self, project: Project, *, base: str, head: str) -> str:
        """What commit `head` changes since it left commit `base`, as a unified diff, from the remote alone.

        Raises `NotFoundError` when the remote does not have one of them.
        """
        ...

    async def retire(self, project: Project, *, branch: str, sha: str) -> str | None:
        """Removes a merged result branch wherever it is still at this commit; a note where a person's copy stays."""
        ...

    async def publish(self, project: Project, *, branch: str, sha: str) -> str | None:
        """Lets a result branch appear where a person looks for it; a note when that was not possible."""
        ...
