"""Merging: what forbids it, the three ways of doing it, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from adw.forge.github_stand_in.effects.checks import Checks
from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.effects.issues import Issues
from adw.forge.github_stand_in.effects.pulls import Pulls
from adw.forge.github_stand_in.effects.refs import Refs
from adw.forge.github_stand_in.errors import RefusedError, unprocessable
from adw.forge.github_stand_in.records import AutoMerge, Issue, Pull, Repository
from adw.forge.github_stand_in.repositories.merging import (
    merge_commit,
    merges_cleanly,
    move_branch,
    rebased_commit,
    squash_commit,
)
from adw.forge.github_stand_in.world import open_pulls

_NOT_ALLOWED = {
    "squash": "Squash merges are not allowed on this repository.",
    "merge": "Merge commits are not allowed on this repository.",
    "rebase": "Rebase merges are not allowed on this repository.",
}
_NOT_MERGEABLE = "Pull Request is not mergeable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants it merged; `sha` is the head they looked at."""

    method: str = "merge"
    sha: str | None = None
    title: str | None = None
    message: str | None = None


class Merges:
    """Everything here raises RefusedError where GitHub would refuse: 405 for the state, 409 for a moved head."""

    def __init__(self, core: Core, *, pulls: Pulls, refs: Refs, checks: Checks, issues: Issues) -> None:
        self._core = core
        self._pulls = pulls
        self._refs = refs
        self._issues = issues
        checks.changed = self.consider

    async def merge(self, repository: Repository, issue: Issue, pull: Pull, wish: Wish, *, sender: str) -> str:
        """Merges and returns the base branch's new commit."""
        async with self._core.lock(repository):
            await self._check(repository, issue, pull, wish)
            old = repository.refs[f"refs/heads/{pull.base_ref}"]
            new = await self._commit(repository, issue, pull, wish, base=old)
            if not await move_branch(self._core.git(repository), branch=pull.base_ref, new=new, old=old):
                raise RefusedError(405, "Base branch was modified. Review and try the merge again.")
            await self._merged(repository, issue, pull, new=new, base=old, sender=sender)
        return new

    async def update_branch(
        self, repository: Repository, issue: Issue, pull: Pull, *, expected: str | None, sender: str
    ) -> None:
        """Merges the base into the head."""
        async with self._core.lock(repository):
            if expected is not None and expected != pull.head_sha:
                raise unprocessable("expected_head_sha was not the current head sha")
            git, base = self._core.git(repository), repository.head(pull.base_ref) or pull.base_sha
            if issue.state != "open" or await git.is_ancestor(ancestor=base, of=pull.head_sha):
                raise unprocessable("There are no new commits on the base branch.")
            if not await merges_cleanly(git, base=base, head=pull.head_sha):
                raise unprocessable("merge conflict between base and head")
            message = f"Merge branch '{pull.base_ref}' into {pull.head_ref}"
            new = await merge_commit(git, base=pull.head_sha, head=base, message=message, author=sender)
            if not await move_branch(git, branch=pull.head_ref, new=new, old=pull.head_sha):
                raise unprocessable("expected_head_sha was not the current head sha")
            await self._refs.look(repository, sender=sender)

    async def enable_auto(self, repository: Repository, issue: Issue, pull: Pull, wish: Wish, *, sender: str) -> None:
        """Merges as soon as everything asked for is there. Raises RefusedError (422) where it could be merged now."""
        if not repository.allow_auto_merge:
            raise unprocessable("Auto merge is not allowed for this repository")
        if wish.method not in repository.methods:
            raise unprocessable(_NOT_ALLOWED[wish.method])
        if (await self._pulls.facts(repository, issue, pull)).mergeable_state in {"clean", "unstable"}:
            raise unprocessable("Pull request is in clean status")
        pull.auto_merge = AutoMerge(enabled_by=sender, method=wish.method, title=wish.title, message=wish.message)
        self._core.touch(issue)
        self._core.tell_issue(repository, issue, "auto_merge_enabled", sender=sender)

    def disable_auto(self, repository: Repository, issue: Issue, pull: Pull, *, sender: str) -> None:
        if pull.auto_merge is None:
            raise unprocessable("Can't disable auto-merge for this pull request")
        pull.auto_merge = None
        self._core.touch(issue)
        self._core.tell_issue(repository, issue, "auto_merge_disabled", sender=sender, reason="manual")

    async def consider(self, repository: Repository, sha: str) -> None:
        """Lets those go that waited for this commit."""
        for issue, pull in open_pulls(repository):
            auto = pull.auto_merge
            if auto is None or pull.head_sha != sha:
                continue
            facts = await self._pulls.facts(repository, issue, pull)
            if facts.mergeable_state in {"clean", "unstable"} and issue.state == "open":
                wish = Wish(method=auto.method, sha=sha, title=auto.title, message=auto.message)
                await self.merge(repository, issue, pull, wish, sender=auto.enabled_by)

    async def _check(self, repository: Repository, issue: Issue, pull: Pull, wish: Wish) -> None:
        if issue.state == "closed":
            raise RefusedError(405, _NOT_MERGEABLE)
        if pull.draft:
            raise RefusedError(405, "Pull Request is still a draft")
        if wish.method not in repository.methods:
            raise RefusedError(405, _NOT_ALLOWED[wish.method])
        if wish.sha is not None and wish.sha != pull.head_sha:
            raise RefusedError(409, "Head branch was modified. Review and try the merge again.")
        base = repository.head(pull.base_ref)
        if base is None or not await merges_cleanly(self._core.git(repository), base=base, head=pull.head_sha):
            raise RefusedError(405, _NOT_MERGEABLE)
        missing = await self._pulls.missing(repository, pull)
        if missing is not None:
            raise RefusedError(405, missing)

    async def _commit(self, repository: Repository, issue: Issue, pull: Pull, wish: Wish, *, base: str) -> str:
        git = self._core.git(repository)
        if wish.method == "rebase":
            rebased = await rebased_commit(git, base=base, head=pull.head_sha)
            if rebased is None:
                raise RefusedError(405, "This branch can't be rebased")
            return rebased
        if wish.method == "squash":
            title = wish.title or f"{issue.title} (#{issue.number})"
            message = _message(title, wish.message if wish.message is not None else issue.body or "")
            return await squash_commit(git, base=base, head=pull.head_sha, message=message, author=issue.author)
        source = f"{repository.owner}/{pull.head_ref}"
        title = wish.title or f"Merge pull request #{issue.number} from {source}"
        message = _message(title, wish.message if wish.message is not None else issue.title)
        return await merge_commit(git, base=base, head=pull.head_sha, message=message, author=issue.author)

    async def _merged(
        self, repository: Repository, issue: Issue, pull: Pull, *, new: str, base: str, sender: str
    ) -> None:
        now = self._core.world.now()
        pull.merged_at, pull.merged_by, pull.merge_sha, pull.base_sha = now, sender, new, base
        pull.auto_merge = None
        issue.state, issue.closed_at, issue.closed_by = "closed", now, sender
        self._core.touch(issue)
        self._core.world.note(repository, issue, "merged", sender).commit_id = new
        self._core.world.note(repository, issue, "closed", sender)
        self._core.tell_issue(repository, issue, "closed", sender=sender)
        if repository.delete_branch_on_merge:
            await self._core.git(repository).run("update-ref", "-d", f"refs/heads/{pull.head_ref}", pull.head_sha)
        await self._refs.look(repository, sender=sender)
        if pull.base_ref == repository.default_branch:
            self._issues.close_mentioned(repository, issue.body or "", sender=sender, commit=new)


def _message(title: str, body: str) -> str:
    return f"{title}\n\n{body}" if body else title
