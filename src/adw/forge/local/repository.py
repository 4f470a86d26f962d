"""What the local forge needs of git: our own bare repository, and a person's repository it must not disturb."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from adw.domain.forge import MergeConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCandidate:
    """A squashed commit that exists but is on no branch yet. `parent_sha` is the base it was made for."""

    sha: str
    parent_sha: str
    is_empty: bool
    """Whether it changes nothing that its parent does not have already."""


class LocalRepository(Protocol):
    """Branches of our bare repository. Raises `GitError` when git fails."""

    def one_merge_at_a_time(self) -> AbstractAsyncContextManager[None]:
        """Keeps merges of this repository from overtaking each other again and again."""
        ...

    async def head_of(self, branch: str) -> str | None:
        """The commit a branch points to, None when there is no such branch."""
        ...

    async def heads(self) -> Mapping[str, str]:
        """Every branch and its commit."""
        ...

    async def contains(self, *, branch: str, sha: str) -> bool:
        """Whether a commit is part of a branch; False when either is unknown."""
        ...

    async def diff(self, *, base: str, sha: str) -> str:
        """What changed from the point where `sha` left branch `base`, as a unified diff."""
        ...

    async def keep(self, *, number: int, sha: str) -> None:
        """Makes the commits of a pull request outlive its branch, as `refs/pull/<number>/head`."""
        ...

    async def refresh(self, base: str) -> None:
        """Takes over what a person added to their base branch, when ours has nothing that theirs lacks."""
        ...

    async def prepare(self, *, base: str, head_sha: str, message: str) -> MergeCandidate | MergeConflict:
        """Squashes what `head_sha` adds to branch `base` into one commit, without moving anything."""
        ...

    async def advance(self, *, base: str, candidate: MergeCandidate) -> bool:
        """Moves `base` to the candidate, only if it still is where the candidate was made for."""
        ...

    async def deliver(self, base: str) -> str | None:
        """Brings `base` to the person's repository as far as no checkout is disturbed, else says what they can do."""
        ...
