"""Calls about who may use the server, and who did."""

from __future__ import annotations

from adw.client import types as t
from adw.client.calls.call import Call, segment


def tokens() -> Call[t.TokenListDict]:
    return Call(method="GET", path="/api/tokens")


def create_token(name: str, *, scope: t.AccessScopeName, expires_at: str | None) -> Call[t.NewTokenDict]:
    return Call(method="POST", path="/api/tokens", body={"name": name, "scope": scope, "expiresAt": expires_at})


def revoke_token(reference: str) -> Call[t.TokenDict]:
    return Call(method="DELETE", path=f"/api/tokens/{segment(reference)}")


def login_link(actor: str) -> Call[t.LinkDict]:
    return Call(method="POST", path="/api/login", body={"actor": actor})


def session() -> Call[t.SessionDict]:
    return Call(method="GET", path="/api/session")


def audit(*, who: str | None, limit: int, after: str | None) -> Call[t.AuditPageDict]:
    return Call(method="GET", path="/api/audit", params={"who": who, "limit": limit, "after": after})
