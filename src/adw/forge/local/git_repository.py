"""The branches of a local project: our own bare repository, through git alone."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from adw.domain.forge import MergeConflict
from adw.forge.local.repository import MergeCandidate
from adw.kit.errors import ConflictError, GitError, NotFoundError, UsageError
from adw.kit.git.bare import BareRepository
from adw.kit.git.fastforward import fast_forward_base
from adw.kit.git.lock import RepositoryLock
from adw.kit.git.person import PersonRepository
from adw.kit.git.remote import sync_remote_base
from adw.kit.git.runner import Identity
from adw.kit.git.squash import compare_and_swap, merge_trees

_HEADS = "refs/heads/"


class GitLocalRepository:
    """Implements `LocalRepository`. `person` is the repository results are delivered to, None for none."""

    def __init__(self, *, bare: Path, person: Path | None = None) -> None:
        self._bare = BareRepository(path=bare)
        self._git = self._bare.git
        self._merging = RepositoryLock(bare / "adw-merge.lock")
        self._person = person

    async def head_of(self, branch: str) -> str | None:
        # Not rev-parse: to it `work~1` would be a branch.
        done = await self._git.run("show-ref", "--verify", "--hash", "--", f"{_HEADS}{branch}", accept=(0, 1, 128))
        return done.stdout.decode().strip() or None if done.code == 0 else None

    async def heads(self) -> Mapping[str, str]:
        listing = await self._git.text("for-each-ref", "--format=%(objectname) %(refname)", _HEADS)
        pairs = (line.partition(" ") for line in listing.splitlines())
        return {name.removeprefix(_HEADS): sha for sha, _, name in pairs}

    async def contains(self, *, branch: str, sha: str) -> bool:
        head_sha, known_sha = await self.head_of(branch), await self._git.resolve(sha)
        if head_sha is None or known_sha is None:
            return False
        return await self._git.is_ancestor(ancestor=known_sha, of=head_sha)

    async def diff(self, *, base: str, sha: str) -> str:
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames")
        done = await self._git.run("diff", *options, f"{await self._existing(base)}...{sha}", "--")
        return done.stdout.decode(errors="replace")

    async def keep(self, *, number: int, sha: str) -> None:
        await self._git.run("update-ref", f"refs/pull/{number}/head", sha)

    def one_merge_at_a_time(self) -> AbstractAsyncContextManager[None]:
        return self._merging

    async def refresh(self, base: str) -> None:
        # A person who went another way, or away, keeps what they have: the merge is made on ours, and the note of
        # the delivery says how to join both.
        with contextlib.suppress(ConflictError, UsageError):
            await self._follow_person(base)

    async def prepare(self, *, base: str, head_sha: str, message: str) -> MergeCandidate | MergeConflict:
        self._bare.enforce()
        base_sha = await self._existing(base)
        merged = await merge_trees(self._git, ours=base_sha, theirs=head_sha)
        if merged.conflicts:
            return MergeConflict(files=merged.conflicts)
        commit = self._git.using(extra=Identity().environment())
        sha = await commit.text("commit-tree", merged.tree, "-p", base_sha, "-F", "-", stdin=message.encode())
        base_tree = await self._git.text("rev-parse", f"{base_sha}^{{tree}}")
        return MergeCandidate(sha=sha, parent_sha=base_sha, is_empty=merged.tree == base_tree)

    async def advance(self, *, base: str, candidate: MergeCandidate) -> bool:
        try:
            await compare_and_swap(self._git, ref=f"{_HEADS}{base}", new=candidate.sha, old=candidate.parent_sha)
        except ConflictError:
            return False
        return True

    async def deliver(self, base: str) -> str | None:
        if self._person is None:
            return None
        try:
            update = await fast_forward_base(
                self._person, base=base, new_sha=await self._existing(base), remote=self._bare.path
            )
        except (GitError, UsageError) as error:  # the merge itself is done, and must not look undone
            return f"{self._person} was not updated: {error.message}"
        if update.moved:
            return None
        advice = f"; to bring the merge in: {update.command}" if update.command else ""
        return f"{update.note or f'{base} was left alone'}{advice}"

    async def _follow_person(self, base: str) -> None:
        if self._person is None:
            return
        theirs = await PersonRepository.at(self._person).git.resolve(f"{_HEADS}{base}")
        if theirs is not None:
            await sync_remote_base(self._bare.path, source=self._person, base=base, sha=theirs)

    async def _existing(self, branch: str) -> str:
        sha = await self.head_of(branch)
        if sha is None:
            raise NotFoundError(f"there is no branch {branch}")
        return sha
