"""What all effects share: the world, its shapes, its hooks, and one at a time for what moves branches."""

from __future__ import annotations

import asyncio
from typing import Any

from adw.forge.github_stand_in.hooks import Hooks
from adw.forge.github_stand_in.records import Issue, Repository
from adw.forge.github_stand_in.shapes.core import Json, Shapes
from adw.forge.github_stand_in.shapes.issues import issue_json
from adw.forge.github_stand_in.shapes.pulls import pull_simple
from adw.forge.github_stand_in.shapes.repositories import repository_of
from adw.forge.github_stand_in.world import World
from adw.kit.git.runner import Git


class Core:
    """The ground that effects stand on."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        self.world = world
        self.hooks = hooks
        self.shapes = Shapes(world)
        self._locks: dict[int, asyncio.Lock] = {}

    def git(self, repository: Repository) -> Git:
        return Git(git_dir=self.world.bare_path(repository))

    def lock(self, repository: Repository) -> asyncio.Lock:
        """Held while branches move, so that what changed is told once and in order."""
        return self._locks.setdefault(repository.id, asyncio.Lock())

    def touch(self, issue: Issue) -> None:
        issue.updated_at = self.world.now()

    def tell(self, repository: Repository, event: str, *, sender: str, action: str | None = None, **parts: Any) -> None:
        """Hands an event to every hook that wants it, as it stands now."""
        if not self.hooks.wanted(repository, event):
            return
        payload: Json = {} if action is None else {"action": action}
        payload |= parts
        payload["repository"] = repository_of(self.shapes, repository)
        payload["sender"] = self.shapes.someone(sender)
        self.hooks.emit(repository, event, payload)

    def tell_issue(self, repository: Repository, issue: Issue, action: str, *, sender: str, **parts: Any) -> None:
        """As an event of issues, or for a pull request as one of pull requests."""
        if issue.pull is None:
            shown = issue_json(self.shapes, repository, issue)
            self.tell(repository, "issues", sender=sender, action=action, issue=shown, **parts)
        else:
            parts = {"number": issue.number, "pull_request": self.pull_payload(repository, issue), **parts}
            self.tell(repository, "pull_request", sender=sender, action=action, **parts)

    def pull_payload(self, repository: Repository, issue: Issue) -> Json:
        """A pull request as events of its own show it: what takes git to know is left at nothing known."""
        if issue.pull is None:
            return {}
        return {
            **pull_simple(self.shapes, repository, issue, issue.pull),
            "merged": issue.pull.merged_at is not None,
            "merged_by": self.shapes.by(issue.pull.merged_by),
            "mergeable": None,
            "rebaseable": None,
            "mergeable_state": "unknown",
            "comments": len(issue.comments),
            "review_comments": len(issue.pull.comments),
            "maintainer_can_modify": False,
            "commits": 1,
            "additions": 0,
            "deletions": 0,
            "changed_files": 0,
        }
