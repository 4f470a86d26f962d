"""Where the files of a workflow live, and how its commits reach the shared remote.

The remote is the truth: everything a workspace holds can be rebuilt from its branch and its snapshot there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRef:
    """One project's repository.

    `source` is where the base comes from: a person's repository (possibly bare) or a URL. `remote` is where branches
    are pushed; for a local project that is our own bare repository. `checkout` is the person's local clone of a
    project whose source is a URL: it is only looked at, for warnings.
    """

    project_id: str
    source: Path | str
    remote: Path | str
    checkout: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRef:
    """The commit a run starts from. `notes` are sentences for the person, such as a dirty checkout."""

    name: str
    sha: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSpec:
    """What a workspace is made from.

    `private` are globs, relative to the top folder, of files that are never committed, besides our own.
    """

    adw_id: str
    repository: RepositoryRef
    branch: str
    base_sha: str
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceEntry:
    """One workspace on this host. `branch` is None for a detached one."""

    name: str
    project_id: str
    path: Path
    branch: str | None
    base_sha: str


class Change(StrEnum):
    """What happened to a file."""

    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    TYPE_CHANGED = "T"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """`path` is relative with forward slashes; bytes that are not UTF-8 are kept as surrogate escapes."""

    path: str
    status: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffStat:
    """Sizes of a difference; binary files count as files without lines."""

    files: int
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """`moved` is False when the remote already had this commit (a repeated step)."""

    sha: str
    moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What became of a branch that others pushed to.

    `head` is the new commit of the branch, `foreign` the commits that were not ours, oldest first. With `conflicts`
    (paths) nothing was changed.
    """

    head: str
    foreign: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A commit with two parents. In files named by `conflicts` both sides stand between markers, or one of them."""

    head: str
    conflicts: tuple[str, ...] = ()


class Workspace(Protocol):
    """One working tree with one owner. Nothing here runs code of the repository or trusts what an agent wrote."""

    @property
    def path(self) -> Path: ...

    @property
    def git_folder(self) -> Path:
        """What git of whoever works here writes for this tree alone, `worktrees/<name>` of the repository."""
        ...

    async def head(self) -> str:
        """The commit the branch of this workspace is at."""
        ...

    async def status(self) -> str:
        """Uncommitted changes as `git status --porcelain` prints them, for prompts and people."""
        ...

    async def changed_files(self, *, since: str, until: str | None = None) -> list[ChangedFile]:
        """Files that differ between two commits; without `until`, the working tree with its untracked files."""
        ...

    async def commit_all(
        self, *, message: str, exclude: Sequence[str] = (), since: str | None = None, keep_commits: bool = False
    ) -> str | None:
        """Commits everything that is not ignored and returns the commit, or None if nothing changed.

        Commits that something else made here are folded into ours, unless `keep_commits`. With `since` (the last
        commit a caller recorded) a repeated call returns the commit of the first one.
        """
        ...

    async def push(self, *, expected_old: str | None) -> PushResult:
        """Pushes the head to the branch on the remote, which must be at `expected_old` (None: must not exist).

        A remote that already has the head is a success. Raises ConflictError when it has something else.
        """
        ...

    async def keep(self, *, label: str, sha: str) -> None:
        """Keeps a commit on the remote as `refs/adw/<id>/<label>`."""
        ...

    async def keep_as(self, *, ref: str, sha: str) -> None:
        """Keeps a commit on the remote under a full name below `refs/adw/` that is nobody else's."""
        ...

    async def snapshot(self, *, label: str) -> str:
        """Saves the whole working tree on the remote without touching it; returns a commit for `restore`."""
        ...

    async def restore(self, snapshot_sha: str) -> None:
        """Makes the working tree that of a snapshot. Head and ignored files stay."""
        ...

    async def reset(self, sha: str) -> None:
        """Moves branch and working tree to a commit; untracked files go, ignored ones stay."""
        ...

    async def remote_head(self) -> str | None:
        """Where the branch is on the remote now; the commit is available here afterwards."""
        ...

    async def adopt_remote(self, *, message: str, commit: str | None = None) -> Adoption:
        """Takes over commits that others pushed to the branch and re-applies what is unpushed here on top.

        With `commit`, takes over that one instead of what the branch on the remote is at; the remote has it.
        """
        ...

    async def merge(self, *, onto: str, commit: str, message: str) -> Merge:
        """Makes the branch here what commit `onto` becomes when a commit of the remote is merged into it.

        Nothing is pushed. One that has the commit already is left as it is. Repeated, it begins again from `onto`.
        """
        ...

    async def rejoin(self, *, parents: Sequence[str], message: str) -> str:
        """Commits the present files as one commit with these parents, instead of what stood on the branch here."""
        ...

    async def diff(self, *, base: str, head: str | None = None) -> str:
        """A unified diff; without `head`, against the working tree with its untracked files."""
        ...

    async def diff_stat(self, *, base: str, head: str | None = None) -> DiffStat: ...

    async def read_committed(self, *, path: str, ref: str) -> bytes | None:
        """A file's content at a commit, or None if it has no such file."""
        ...


class Workspaces(Protocol):
    """All workspaces of this host."""

    async def resolve_base(self, repository: RepositoryRef, *, base: str | None) -> BaseRef:
        """The commit at the tip of a branch (None: the default branch). Raises UsageError with a hint.

        Only reads; a person's repository is never changed.
        """
        ...

    async def prepare(self, spec: WorkspaceSpec) -> Workspace:
        """Makes the workspace, or returns it as it is when it exists.

        A missing one is rebuilt from the remote: head of the branch, else the base, plus the last snapshot.
        """
        ...

    async def open(self, spec: WorkspaceSpec) -> Workspace:
        """`prepare` for a resumed step: files that are here are left as they are."""
        ...

    async def prepare_detached(self, *, repository: RepositoryRef, name: str, sha: str) -> Workspace:
        """A workspace of its own at a commit, on no branch (for baselines)."""
        ...

    async def remove(self, name: str) -> bool:
        """Removes a workspace from this host; False if there is none. Nothing on the remote changes."""
        ...

    async def forget(self, spec: WorkspaceSpec) -> None:
        """Removes a workspace and its snapshots and kept commits, on the remote too; the branch stays."""
        ...

    async def list(self) -> list[WorkspaceEntry]:
        """Workspaces of this host, by name."""
        ...

    async def reconcile(self) -> list[str]:
        """Clears what killed processes left half done; returns a sentence for each thing cleared."""
        ...
