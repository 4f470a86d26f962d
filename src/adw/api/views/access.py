"""Tokens, logins and the audit on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from adw.api.wire import Wire
from adw.domain.access import AccessScope


class TokenView(Wire):
    """A token that was given out, without its secret."""

    id: str
    name: str
    scope: AccessScope
    created_by: str
    created_at: datetime
    expires_at: datetime | None = Field(description="null: never by itself")
    last_used_at: datetime | None = Field(description="To the minute")
    revoked_at: datetime | None


class NewTokenView(Wire):
    """A token that was just made."""

    token: TokenView
    secret: str = Field(description="Told this once; only its digest is kept")


class TokenList(Wire):
    """Those that can be used first."""

    tokens: tuple[TokenView, ...]


class LinkView(Wire):
    """An address that logs one browser in, once."""

    url: str
    expires_at: datetime


class SessionView(Wire):
    """Who asks, and what they may do."""

    name: str
    scope: AccessScope
    is_session: bool = Field(description="Whether it is a browser's session rather than a token")
    csrf: str | None = Field(description="Of a session: what `X-ADW-CSRF` has to say")


class AuditEntryView(Wire):
    """A request that would change something, and how it ended."""

    id: int
    at: datetime
    who: str = Field(description="The token's or session's name; `anonymous` for strangers, `server` for its own token")
    token_id: str | None
    session_id: str | None
    method: str
    route: str
    target: str | None = Field(description="What the address named")
    status: int
    peer: str | None = Field(description="From where")
    idempotency_key: str | None
    times: int = Field(description="How many refused requests of strangers this row stands for")


class AuditPage(Wire):
    """Newest first."""

    entries: tuple[AuditEntryView, ...]
    next_cursor: str | None
