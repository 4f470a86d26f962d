"""Giving out tokens and taking them back; logging browsers in and out. Secrets are told once and kept as digests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from adw.domain.access import RESERVED, AccessScope, Principal, Token, digest, new_secret
from adw.kit.errors import AuthenticationError, UsageError
from adw.kit.ids import is_adw_id, new_token
from adw.store import sessions_web, tokens
from adw.store.db import Database
from adw.store.sessions_web import WebSession

LONGEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token, with the secret that nobody can see again."""

    token: Token
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLink:
    """A word that logs one browser in, once, until `expires_at`."""

    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A session that has begun, with the secret its cookie holds."""

    session: WebSession
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Used by the API; who may call what is for the API to say."""

    database: Database

    async def create_token(
        self, *, name: str, scope: AccessScope, created_by: str, expires_at: datetime | None = None
    ) -> NewToken:
        """Raises UsageError for a name or an end that cannot be, ConflictError for a name that is in use."""
        if is_adw_id(name) or name.strip().lower() in RESERVED:
            raise UsageError(
                f"{name!r} would be taken for something else", hint="choose a name that says who uses the token"
            )
        now = datetime.now(UTC)
        if expires_at is not None and not now < expires_at <= now + LONGEST:
            raise UsageError("a token ends in the future, within ten years", hint="leave it out for one without end")
        secret = new_secret()
        async with self.database.begin() as connection:
            token = await tokens.create_token(
                connection,
                digest=digest(secret),
                name=name,
                scope=scope,
                created_by=created_by,
                expires_at=expires_at,
            )
        return NewToken(token=token, secret=secret)

    async def list_tokens(self) -> list[Token]:
        """Those that can be used first."""
        async with self.database.read() as connection:
            return await tokens.list_tokens(connection)

    async def revoke_token(self, reference: str) -> Token:
        """By id or name; sessions that came from it end with it. Raises NotFoundError."""
        async with self.database.begin() as connection:
            return await tokens.revoke_token(connection, reference)

    async def make_link(self, principal: Principal, *, name: str) -> LoginLink:
        """A link with the rights of `principal`. `name` is believed of the server's own token only."""
        code = new_token()
        somebody = replace(principal, name=name) if principal.is_server else principal
        async with self.database.begin() as connection:
            expires_at = await sessions_web.add_link(connection, digest=digest(code), principal=somebody)
        return LoginLink(code=code, expires_at=expires_at)

    async def log_in(self, code: str) -> LoggedIn:
        """Uses a link up. Raises AuthenticationError when it was used, is too old or never was."""
        secret = new_token()
        async with self.database.begin() as connection:
            session = await sessions_web.redeem_link(connection, digest=digest(code), session_digest=digest(secret))
        if session is None:
            raise AuthenticationError(
                "the link was used already, or is too old", hint="get another one with `adw open`"
            )
        return LoggedIn(session=session, secret=secret)

    async def log_out(self, session_id: str) -> None:
        async with self.database.begin() as connection:
            await sessions_web.end_session(connection, session_id)
