"""Who somebody is: the server's own token, one that was given out, or a browser's session.

What the database said is believed for two seconds, which bounds how long a revoked token is still let in.
"""

from __future__ import annotations

import hmac
import time
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers

from adw.api.access.credentials import Credential, credential_in
from adw.api.access.limits import PeerLimit
from adw.domain.access import SERVER, AccessScope, Principal, Token, digest
from adw.kit.errors import AuthenticationError, TooManyRequestsError
from adw.store.db import Database
from adw.store.sessions_web import TOUCHED_EVERY, session_by_digest, touch_session
from adw.store.tokens import token_by_digest, touch_token

BELIEVED_S = 2.0
FAILURES_AT_ONCE = 300
FAILURES_PER_MINUTE = 300
LINKS_AT_ONCE = 10
LINKS_PER_MINUTE = 10
WEBHOOKS_AT_ONCE = 600
WEBHOOKS_PER_MINUTE = 600
MAX_KNOWN = 4096

_HINT = "send `Authorization: Bearer TOKEN` with a token of `adw token create`, or with the one in server.json"


class Gate:
    """One for each application. Raises ValueError without a token: such a server would serve everybody."""

    def __init__(self, *, token: str) -> None:
        if not token:
            raise ValueError("a server without a token would serve everybody")
        self._own = digest(token)
        self._known: dict[str, tuple[float, Principal]] = {}
        self.failures = PeerLimit(burst=FAILURES_AT_ONCE, per_minute=FAILURES_PER_MINUTE)
        self.links = PeerLimit(burst=LINKS_AT_ONCE, per_minute=LINKS_PER_MINUTE)
        self.webhooks = PeerLimit(burst=WEBHOOKS_AT_ONCE, per_minute=WEBHOOKS_PER_MINUTE)

    async def identify(self, database: Database, credential: Credential | None, *, peer: str | None) -> Principal:
        """Raises AuthenticationError, and TooManyRequestsError for an address that has failed too often."""
        if credential is None:
            raise AuthenticationError("the request has no token", hint=_HINT)
        secret = digest(credential.secret)
        if not credential.is_cookie and hmac.compare_digest(secret, self._own):
            return Principal(name=SERVER, scope=AccessScope.ADMIN)
        key = f"{credential.is_cookie}:{secret}"
        known = self._recall(key)
        if known is not None:
            return known
        try:
            look = _of_session if credential.is_cookie else _of_token
            principal = await look(database, secret)
        except AuthenticationError:
            refuse_if_limited(self.failures, peer)  # only now: others at the same address may have a valid one
            self.failures.count(peer)
            raise
        self._remember(key, principal)
        return principal

    def forget(self) -> None:
        """After a token was revoked or a session ended by this process: nobody is believed without looking."""
        self._known.clear()

    def _recall(self, key: str) -> Principal | None:
        at, principal = self._known.get(key, (0.0, None))
        return principal if principal is not None and time.monotonic() - at < BELIEVED_S else None

    def _remember(self, key: str, principal: Principal) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = (time.monotonic(), principal)


async def check_access(
    app: Starlette, *, headers: Headers | None = None, token: str | None = None, peer: str | None = None
) -> Principal | None:
    """Who sent these headers (bearer token or session cookie), or showed this token; None for nobody we let in.

    For connections that the guard of HTTP requests does not see, such as web sockets: the origin has been checked
    for them, the rest is the caller's. `app` is the application, as in `websocket.app`. Asked again later it notices
    within seconds that a token was revoked or has expired. Raises DatabaseError.
    """
    credential = Credential(secret=token, is_cookie=False) if token is not None else credential_in(headers or Headers())
    database: Database = app.state.services.database
    try:
        return await gate_of(app).identify(database, credential, peer=peer)
    except (AuthenticationError, TooManyRequestsError):
        return None


def gate_of(app: Any) -> Gate:
    return app.state.gate


def refuse_if_limited(limit: PeerLimit, peer: str | None) -> None:
    """Raises TooManyRequestsError."""
    wait_s = limit.wait_s(peer)
    if wait_s:
        raise TooManyRequestsError(
            "there were too many attempts from this address", hint=f"try again in {wait_s} s", retry_after_s=wait_s
        )


async def _of_token(database: Database, secret: str) -> Principal:
    async with database.read() as connection:
        token = await token_by_digest(connection, secret)
    if token is None:
        raise AuthenticationError("the token is wrong", hint=_HINT)
    _check_usable(token)
    if _is_old(token.last_used_at):
        async with database.begin() as connection:
            await touch_token(connection, token.id)
    return Principal(name=token.name, scope=token.scope, token_id=token.id)


async def _of_session(database: Database, secret: str) -> Principal:
    async with database.read() as connection:
        session = await session_by_digest(connection, secret)
    if session is None:
        raise AuthenticationError("the session has ended", hint="log in again with `adw open`")
    session_id = session.principal.session_id
    if session_id is not None and _is_old(session.seen_at):
        async with database.begin() as connection:
            await touch_session(connection, session_id)
    return session.principal


def _check_usable(token: Token) -> None:
    hint = "make another one with `adw token create`"
    if token.revoked_at is not None:
        raise AuthenticationError(f"the token {token.name!r} was revoked", hint=hint)
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        raise AuthenticationError(f"the token {token.name!r} has expired", hint=hint)


def _is_old(moment: datetime | None) -> bool:
    return moment is None or datetime.now(UTC) - moment > TOUCHED_EVERY
