"""Who may use the server and who did, of the client for programs without an event loop."""

from __future__ import annotations

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Access(Connection):
    """Tokens, logging a browser in, and the audit. All but the login and the session need an admin's token."""

    def tokens(self) -> t.TokenListDict:
        """Those that can be used first."""
        return self.send(calls.access.tokens())

    def create_token(self, name: str, *, scope: t.AccessScopeName, expires_at: str | None = None) -> t.NewTokenDict:
        """The secret is told this once. `expires_at` is a moment in ISO 8601."""
        return self.send(calls.access.create_token(name, scope=scope, expires_at=expires_at))

    def revoke_token(self, reference: str) -> t.TokenDict:
        """By id or name."""
        return self.send(calls.access.revoke_token(reference))

    def login_link(self) -> t.LinkDict:
        """An address that logs one browser in, once, within a minute."""
        return self.send(calls.access.login_link(self.actor))

    def session(self) -> t.SessionDict:
        """Who asks, and what they may do."""
        return self.send(calls.access.session())

    def audit(self, *, who: str | None = None, limit: int = 50, after: str | None = None) -> t.AuditPageDict:
        """Newest first; `after` is the `nextCursor` of the page before."""
        return self.send(calls.access.audit(who=who, limit=limit, after=after))
