"""How a project's repository and forge are reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adw.domain.project import Project
from adw.ports.forge import Forge
from adw.ports.workspace import RepositoryRef


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedFile:
    """A file of a commit; `is_plain` is False for folders, links and submodules. `size` in bytes."""

    path: str
    size: int
    is_plain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchTip:
    """Where somebody's branch is now, where it left its base, and what its last commit says."""

    sha: str
    merge_base: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTip:
    """Where others took a branch of ours: pushed to the remote, or only in their own repository.

    `contains_ours`: our last commit is part of it.
    """

    sha: str
    on_remote: bool
    contains_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRepository:
    """A repository on a forge of the network. `source` is its `owner/name` as the forge writes it.

    `checkout` is the clone of it on this machine through which it was found.
    """

    source: str
    default_branch: str
    url: str
    checkout: Path | None = None


class ProjectAccess(Protocol):
    """Gives the adapters that belong to a project. Wiring knows which they are."""

    async def find_remote(self, reference: str) -> RemoteRepository | None:
        """The repository on the network that a text means: `owner/name`, an address, or the origin of a local clone.

        None when it cannot mean one. Raises NotFoundError for one that is not there or not to be seen.
        """
        ...

    def repository(self, project: Project) -> RepositoryRef: ...

    def forge(self, project: Project) -> Forge: ...

    async def prepare_remote(self, project: Project, *, base: str, sha: str) -> str:
        """Makes sure the remote exists and knows the base commit; tells where it is. Idempotent."""
        ...

    async def read_committed(self, project: Project, *, sha: str, path: str) -> bytes | None:
        """A file's content at a commit, or None if the commit has no such file."""
        ...

    async def list_committed(self, project: Project, *, sha: str, path: str) -> list[CommittedFile]:
        """What a commit has at a path; of a folder, written with a slash at its end, everything right in it."""
        ...

    async def branch_tip(self, project: Project, *, branch: str, base_sha: str) -> BranchTip | None:
        """Somebody's branch, only looked at; None when there is none, or it shares nothing with the base."""
        ...

    async def start_branch(self, project: Project, *, branch: str, sha: str) -> None:
        """Makes a branch of ours on the remote that starts at somebody's commit. Idempotent."""
        ...

    async def diff(self, project: Project, *, base: str, head: str) -> str:
        """What commit `head` changes since it left commit `base`, as a unified diff, from the remote alone.

        Raises `NotFoundError` when the remote does not have one of them.
        """
        ...

    async def retire(self, project: Project, *, branch: str, sha: str) -> str | None:
        """Removes a merged result branch wherever it is still at this commit; a note where a person's copy stays."""
        ...

    async def forget_work(self, project: Project, *, adw_id: str) -> None:
        """Takes what only served the work on it off a forge that others use as well, once it is merged."""
        ...

    async def publish(self, project: Project, *, branch: str, sha: str) -> str | None:
        """Lets a result branch appear where a person looks for it; a note when that was not possible."""
        ...

    async def diff_between(self, project: Project, *, before: str, after: str) -> str:
        """How the files of one commit differ from another's, as a unified diff, whatever their histories."""
        ...

    async def conflicts(self, project: Project, *, head: str, base: str) -> tuple[str, ...]:
        """Files in which commit `head` would conflict if it were merged into commit `base` now.

        Raises `NotFoundError` when the remote does not have one of them.
        """
        ...

    async def revert(self, project: Project, *, sha: str, onto: str, message: str) -> str | None:
        """A commit on top of `onto` that takes back what commit `sha` brought; None when both touch the same lines.

        It is on no branch yet.
        """
        ...

    async def foreign_tips(self, project: Project, *, branch: str, ours: str) -> tuple[ForeignTip, ...]:
        """Where others took our branch since our last commit `ours`, the remote first; nothing while it is ours.

        The commits are on the remote afterwards, wherever they were made.
        """
        ...

    async def count_as_published(self, project: Project, *, branch: str, sha: str) -> None:
        """Lets `publish` replace what a person has on the branch, if it is this commit."""
        ...
