"""Tokens that were given out, by the digests of their secrets."""

from __future__ import annotations

from datetime import datetime, timedelta
from hmac import compare_digest

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.access import AccessScope, Token
from adw.kit.errors import ConflictError, NotFoundError
from adw.kit.ids import new_adw_id
from adw.store.json import storable_text
from adw.store.notify import announce_withdrawal
from adw.store.tables.access import tokens

TOUCHED_EVERY = timedelta(minutes=1)
"""How exactly the last use is known."""

_HINT = "see `adw token list`"


async def create_token(
    connection: AsyncConnection,
    *,
    digest: str,
    name: str,
    scope: AccessScope,
    created_by: str,
    expires_at: datetime | None,
) -> Token:
    """Raises ConflictError while a token of that name is not revoked."""
    values = {
        "id": new_adw_id(),
        "digest": digest,
        "name": storable_text(name),
        "scope": scope.value,
        "created_by": storable_text(created_by),
        "expires_at": expires_at,
    }
    statement = insert(tokens).values(values).on_conflict_do_nothing().returning(tokens)
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise ConflictError(f"there is a token named {name!r}", hint="revoke that one first, or choose another name")
    return _token(row)


async def token_by_digest(connection: AsyncConnection, digest: str) -> Token | None:
    """The token with that secret, in whatever state it is."""
    row = (await connection.execute(select(tokens).where(tokens.c.digest == digest))).mappings().first()
    if row is None or not compare_digest(str(row["digest"]), digest):
        return None
    return _token(row)


async def get_token(connection: AsyncConnection, token_id: str) -> Token | None:
    row = (await connection.execute(select(tokens).where(tokens.c.id == token_id))).mappings().first()
    return None if row is None else _token(row)


async def list_tokens(connection: AsyncConnection) -> list[Token]:
    """Those that can be used first, then the newest first."""
    query = select(tokens).order_by(tokens.c.revoked_at.is_not(None), tokens.c.created_at.desc(), tokens.c.id)
    return [_token(row) for row in (await connection.execute(query)).mappings()]


async def revoke_token(connection: AsyncConnection, reference: str) -> Token:
    """By id or name; again is no error. Raises NotFoundError."""
    wanted = storable_text(reference)
    now = func.clock_timestamp()
    live = update(tokens).where(tokens.c.revoked_at.is_(None), or_(tokens.c.id == wanted, tokens.c.name == wanted))
    row = (await connection.execute(live.values(revoked_at=now).returning(tokens))).mappings().first()
    if row is not None:
        await announce_withdrawal(connection, row["id"])
        return _token(row)
    known = await get_token(connection, wanted)
    if known is None:
        raise NotFoundError(f"there is no token {reference[:100]!r}", hint=_HINT)
    return known


async def touch_token(connection: AsyncConnection, token_id: str) -> None:
    """Notes that it was used."""
    now = func.clock_timestamp()
    old = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < now - TOUCHED_EVERY)
    await connection.execute(update(tokens).where(tokens.c.id == token_id, old).values(last_used_at=now))


def _token(row: RowMapping) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        scope=AccessScope(row["scope"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
