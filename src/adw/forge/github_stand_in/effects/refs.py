"""Branches that moved, by whomever: told as pushes, and followed by their pull requests."""

from __future__ import annotations

from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.effects.pulls import Pulls
from adw.forge.github_stand_in.effects.reviews import Reviews
from adw.forge.github_stand_in.records import Issue, Pull, Repository
from adw.forge.github_stand_in.repositories.contents import read_refs
from adw.forge.github_stand_in.repositories.history import Commit, log, read_commits
from adw.forge.github_stand_in.shapes.core import Json
from adw.forge.github_stand_in.world import open_pulls

_MOST_COMMITS = 20
_HEADS = "refs/heads/"


class Refs:
    """Compares git's refs with those last seen, so that nothing that moved goes untold."""

    def __init__(self, core: Core, pulls: Pulls, reviews: Reviews) -> None:
        self._core = core
        self._pulls = pulls
        self._reviews = reviews

    async def look(self, repository: Repository, *, sender: str) -> bool:
        """Tells what changed since the last look; the caller holds the repository's lock. True if anything did."""
        before = repository.refs
        now = await read_refs(self._core.git(repository))
        repository.refs = now
        changed = sorted(ref for ref in before.keys() | now.keys() if before.get(ref) != now.get(ref))
        if changed:
            repository.pushed_at = self._core.world.now()
        for ref in changed:
            await self._changed(repository, ref, before.get(ref), now.get(ref), sender=sender)
        return bool(changed)

    async def _changed(
        self, repository: Repository, ref: str, before: str | None, after: str | None, *, sender: str
    ) -> None:
        await self._tell_push(repository, ref, before, after, sender=sender)
        if not ref.startswith(_HEADS):
            return
        branch = ref.removeprefix(_HEADS)
        for issue, pull in open_pulls(repository):
            if pull.head_ref == branch:
                await self._follow(repository, issue, pull, after, sender=sender)
            elif pull.base_ref == branch and after is not None:
                await self._contained(repository, issue, pull, after, sender=sender)

    async def _follow(
        self, repository: Repository, issue: Issue, pull: Pull, after: str | None, *, sender: str
    ) -> None:
        if after is None:
            self._close(repository, issue, sender=sender)
            return
        before, pull.head_sha = pull.head_sha, after
        pull.base_sha = repository.head(pull.base_ref) or pull.base_sha
        protection = repository.protections.get(pull.base_ref)
        await self._reviews.follow(repository, pull, before=before)
        await self._pulls.keep_head(repository, issue)
        self._core.touch(issue)
        self._core.tell_issue(repository, issue, "synchronize", sender=sender, before=before, after=after)
        for review in pull.reviews if protection and protection.dismiss_stale else ():
            if review.state == "APPROVED":
                self._reviews.dismiss(repository, issue, pull, review, sender=sender)

    async def _contained(self, repository: Repository, issue: Issue, pull: Pull, base: str, *, sender: str) -> None:
        """A head that reached its base by a push counts as merged."""
        if await self._core.git(repository).is_ancestor(ancestor=pull.head_sha, of=base):
            pull.merged_at, pull.merged_by, pull.merge_sha = self._core.world.now(), sender, pull.head_sha
            self._close(repository, issue, sender=sender)

    def _close(self, repository: Repository, issue: Issue, *, sender: str) -> None:
        issue.state, issue.closed_at, issue.closed_by = "closed", self._core.world.now(), sender
        self._core.touch(issue)
        self._core.world.note(repository, issue, "closed", sender)
        self._core.tell_issue(repository, issue, "closed", sender=sender)

    async def _tell_push(
        self, repository: Repository, ref: str, before: str | None, after: str | None, *, sender: str
    ) -> None:
        kind = "branch" if ref.startswith(_HEADS) else "tag"
        named = {"ref": ref.split("/", 2)[2], "ref_type": kind, "pusher_type": "user"}
        if before is None:
            more = {"master_branch": repository.default_branch, "description": None}
            self._core.tell(repository, "create", sender=sender, **named, **more)
        if after is None:
            self._core.tell(repository, "delete", sender=sender, **named)
        if self._core.hooks.wanted(repository, "push"):
            await self._push(repository, ref, before, after, sender=sender)

    async def _push(
        self, repository: Repository, ref: str, before: str | None, after: str | None, *, sender: str
    ) -> None:
        git = self._core.git(repository)
        commits: list[Commit] = []
        if after is not None:
            revisions = (after,) if before is None else (after, f"^{before}")
            commits = list(reversed(await log(git, *revisions, most=_MOST_COMMITS)))
        forced = bool(before and after) and not await git.is_ancestor(ancestor=before or "", of=after or "")
        shown = [self._commit(repository, commit) for commit in commits]
        head = (await read_commits(git, after))[0] if after else None
        zero = "0" * 40
        web = self._core.shapes.web(repository)
        self._core.tell(
            repository,
            "push",
            sender=sender,
            ref=ref,
            before=before or zero,
            after=after or zero,
            base_ref=None,
            created=before is None,
            deleted=after is None,
            forced=forced,
            compare=f"{web}/compare/{(before or zero)[:12]}...{(after or zero)[:12]}",
            commits=shown,
            head_commit=self._commit(repository, head) if head else None,
            pusher={"name": sender, "email": f"{sender}@users.noreply.github.com"},
        )

    def _commit(self, repository: Repository, commit: Commit) -> Json:
        return {
            "id": commit.sha,
            "tree_id": commit.tree,
            "distinct": True,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "url": f"{self._core.shapes.web(repository)}/commit/{commit.sha}",
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
            "added": [],
            "removed": [],
            "modified": [],
        }
