"""Who may do what through the server: scopes, tokens, whoever is let in, and what is remembered of what they did."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adw.kit.ids import new_token

TOKEN_PREFIX = "adw_"  # noqa: S105 # not a secret, what one begins with
"""What every token begins with, so that scanners for leaked secrets can know one."""
SERVER = "server"
"""The name of whoever holds the token that the server was started with."""
STRANGER = "anonymous"
FORGE = "webhook"
RESERVED = frozenset({SERVER, STRANGER, FORGE})
"""Names in the audit that no token may have."""
LINK_LIFE = timedelta(seconds=60)
SESSION_IDLE = timedelta(days=7)
"""A session that is not used for so long ends."""
SESSION_LIFE = timedelta(days=30)
"""A session ends after so long however often it is used."""


class AccessScope(StrEnum):
    """What somebody may do. Each includes the ones before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def covers(self, needed: AccessScope) -> bool:
        order = list(AccessScope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who was let in: the server's own token, a token that was given out, or a browser's session."""

    name: str
    scope: AccessScope
    token_id: str | None = None
    session_id: str | None = None

    @property
    def scopes(self) -> frozenset[AccessScope]:
        """All scopes that theirs includes."""
        return frozenset(scope for scope in AccessScope if self.scope.covers(scope))

    @property
    def is_server(self) -> bool:
        """Whether they hold the token that the server was started with."""
        return self.token_id is None and self.session_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that was given out. Its secret is not kept."""

    id: str
    name: str
    scope: AccessScope
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One request that would change something, or several refused ones of strangers within a minute (`times`)."""

    id: int
    at: datetime
    who: str
    token_id: str | None
    session_id: str | None
    method: str
    route: str
    target: str | None
    status: int
    peer: str | None
    idempotency_key: str | None
    times: int


def new_secret() -> str:
    """A token's secret: 256 random bits behind the prefix."""
    return TOKEN_PREFIX + new_token()


def digest(secret: str) -> str:
    """What is kept of a secret. It is too random to be guessed from this, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_of(session_secret: str) -> str:
    """The word a browser's session has to repeat in a header, which pages of other sites cannot know."""
    return hmac.new(session_secret.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hexdigest()
