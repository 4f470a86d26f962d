"""Links that log a browser in once, and the sessions they begin."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.access import LINK_LIFE, SESSION_IDLE, SESSION_LIFE, AccessScope, Principal
from adw.kit.ids import new_adw_id
from adw.store.json import storable_text
from adw.store.notify import announce_withdrawal
from adw.store.tables.access import login_links, tokens, web_sessions

TOUCHED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A browser that is logged in, as `principal`."""

    principal: Principal
    seen_at: datetime
    expires_at: datetime


async def add_link(connection: AsyncConnection, *, digest: str, principal: Principal) -> datetime:
    """A link whoever follows first gets `principal`'s rights by. Returns until when."""
    now = func.clock_timestamp()
    await connection.execute(delete(login_links).where(login_links.c.expires_at < now))
    values = {
        "digest": digest,
        "name": storable_text(principal.name),
        "scope": principal.scope.value,
        "token_id": principal.token_id,
        "expires_at": now + LINK_LIFE,
    }
    statement = insert(login_links).values(values).returning(login_links.c.expires_at)
    return (await connection.execute(statement)).scalar_one()


async def redeem_link(connection: AsyncConnection, *, digest: str, session_digest: str) -> WebSession | None:
    """Uses the link up and begins a session; None when there is no such link any more."""
    now = func.clock_timestamp()
    used = (
        delete(login_links)
        .where(login_links.c.digest == digest, login_links.c.expires_at > now, _usable(login_links.c.token_id))
        .returning(login_links)
    )
    link = (await connection.execute(used)).mappings().first()
    if link is None:
        return None
    await connection.execute(delete(web_sessions).where(web_sessions.c.expires_at < now))
    values = {
        "id": new_adw_id(),
        "digest": session_digest,
        "name": link["name"],
        "scope": link["scope"],
        "token_id": link["token_id"],
        "seen_at": now,
        "expires_at": now + SESSION_IDLE,
    }
    begun = insert(web_sessions).values(values).returning(web_sessions)
    return _session((await connection.execute(begun)).mappings().one())


async def session_by_digest(connection: AsyncConnection, digest: str) -> WebSession | None:
    """The session with that secret, unless it has expired or the token it came from may not be used any more."""
    query = select(web_sessions).where(
        web_sessions.c.digest == digest,
        web_sessions.c.expires_at > func.clock_timestamp(),
        _usable(web_sessions.c.token_id),
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _session(row)


async def touch_session(connection: AsyncConnection, session_id: str) -> None:
    """Moves its end away from now, though never beyond its whole life."""
    now = func.clock_timestamp()
    end = func.least(now + SESSION_IDLE, web_sessions.c.created_at + SESSION_LIFE)
    mine = update(web_sessions).where(web_sessions.c.id == session_id, web_sessions.c.seen_at < now - TOUCHED_EVERY)
    await connection.execute(mine.values(seen_at=now, expires_at=end))


async def end_session(connection: AsyncConnection, session_id: str) -> None:
    """Logs the browser out."""
    await connection.execute(delete(web_sessions).where(web_sessions.c.id == session_id))
    await announce_withdrawal(connection, session_id)


async def usable_ids(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Those of tokens that are not revoked, and of sessions that have not ended."""
    live = select(tokens.c.id).where(tokens.c.id.in_(ids), tokens.c.revoked_at.is_(None))
    open_ = select(web_sessions.c.id).where(web_sessions.c.id.in_(ids))
    return set((await connection.execute(union_all(live, open_))).scalars())


def _usable(token_id: Column[Any]) -> ColumnElement[bool]:
    now = func.clock_timestamp()
    valid = select(tokens.c.id).where(
        tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    )
    return or_(token_id.is_(None), token_id.in_(valid))


def _session(row: RowMapping) -> WebSession:
    principal = Principal(
        name=row["name"], scope=AccessScope(row["scope"]), token_id=row["token_id"], session_id=row["id"]
    )
    return WebSession(principal=principal, seen_at=row["seen_at"], expires_at=row["expires_at"])
