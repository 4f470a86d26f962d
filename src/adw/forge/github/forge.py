"""The forge of one repository on GitHub."""

from __future__ import annotations

from adw.domain.account import Account, Permission
from adw.domain.forge import ForgeCapabilities
from adw.domain.forge_checks import BranchRules
from adw.domain.forge_text import MAX_BODY_CHARS, MAX_TITLE_CHARS
from adw.domain.project import ForgeKind
from adw.forge.github.accounts import permission_of
from adw.forge.github.checks import GitHubChecks
from adw.forge.github.desk import Desk
from adw.forge.github.issues import GitHubIssues
from adw.forge.github.merge import GitHubMerge
from adw.forge.github.pulls import GitHubPulls
from adw.forge.github.reviews import GitHubReviews
from adw.forge.github.rules import rules_of
from adw.forge.github.threads import GitHubThreads

_CAPABILITIES = ForgeCapabilities(
    kind=ForgeKind.GITHUB,
    has_checks=True,
    has_web_pages=True,
    can_approve_own=False,
    can_mark_draft=True,
    max_title_chars=MAX_TITLE_CHARS,
    max_body_chars=MAX_BODY_CHARS,
)


class GitHubForge(GitHubIssues, GitHubPulls, GitHubReviews, GitHubMerge, GitHubChecks, GitHubThreads):
    """Implements all protocols of `adw.ports.forge`. Longer texts than GitHub takes are cut, with a note."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)

    @property
    def capabilities(self) -> ForgeCapabilities:
        return _CAPABILITIES

    async def branch_rules(self, branch: str) -> BranchRules:
        return await rules_of(self._desk.api, branch)

    async def ourselves(self) -> Account:
        return await self._desk.ourselves()

    async def permission_of(self, login: str) -> Permission:
        return await permission_of(self._desk.api, login)
