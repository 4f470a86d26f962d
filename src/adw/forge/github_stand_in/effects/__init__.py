"""What can be done to a repository, whoever asks and however: each does it, writes it down and tells the hooks."""

from __future__ import annotations

from adw.forge.github_stand_in.effects.checks import Checks
from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.effects.issues import Issues
from adw.forge.github_stand_in.effects.merges import Merges
from adw.forge.github_stand_in.effects.pulls import Pulls
from adw.forge.github_stand_in.effects.refs import Refs
from adw.forge.github_stand_in.effects.reviews import Reviews
from adw.forge.github_stand_in.hooks import Hooks
from adw.forge.github_stand_in.world import World

__all__ = ["Effects"]


class Effects:
    """All effects of one world."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        core = Core(world, hooks)
        self.core = core
        self.issues = Issues(core)
        self.checks = Checks(core)
        self.pulls = Pulls(core, self.checks, self.issues)
        self.reviews = Reviews(core, self.pulls)
        self.refs = Refs(core, self.pulls, self.reviews)
        self.merges = Merges(core, pulls=self.pulls, refs=self.refs, checks=self.checks, issues=self.issues)
