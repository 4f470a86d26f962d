"""The local forge: issues and pull requests without any service, kept in our database over a bare repository."""

from __future__ import annotations

from adw.domain.forge import ForgeCapabilities
from adw.domain.forge_text import MAX_BODY_CHARS, MAX_TITLE_CHARS
from adw.domain.project import ForgeKind
from adw.forge.local.accounts import LocalAccounts
from adw.forge.local.checks import LocalChecks
from adw.forge.local.issues import LocalIssues
from adw.forge.local.pulls import LocalPullRequests
from adw.forge.local.repository import LocalRepository
from adw.forge.local.threads import LocalThreads
from adw.store.local_forge import Begin

_CAPABILITIES = ForgeCapabilities(
    kind=ForgeKind.LOCAL,
    has_checks=False,
    has_web_pages=False,
    can_approve_own=True,
    can_mark_draft=True,
    max_title_chars=MAX_TITLE_CHARS,
    max_body_chars=MAX_BODY_CHARS,
)


class LocalForge(LocalIssues, LocalPullRequests, LocalChecks, LocalThreads, LocalAccounts):
    """Implements `adw.ports.forge.Forge` for one project. `begin` opens transactions (`engine.begin`)."""

    def __init__(self, begin: Begin, *, project_id: str, repository: LocalRepository) -> None:
        LocalIssues.__init__(self, begin, project_id=project_id)
        LocalPullRequests.__init__(self, begin, project_id=project_id, repository=repository)
        LocalChecks.__init__(self, begin, project_id=project_id, repository=repository)
        LocalThreads.__init__(self, begin, project_id=project_id)
        LocalAccounts.__init__(self, begin, project_id=project_id)

    @property
    def capabilities(self) -> ForgeCapabilities:
        return _CAPABILITIES
