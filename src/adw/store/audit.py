"""Who changed what, or tried to: one row for each request, kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.access import AuditEntry
from adw.store.json import storable_text
from adw.store.tables.access import audit

KEEP = timedelta(days=180)
KEEP_ROWS = 200_000
_LONGEST = 300

_OVERFLOW = text("""
DELETE FROM audit_entries WHERE id <= (SELECT id FROM audit_entries ORDER BY id DESC OFFSET :kept LIMIT 1)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A request that would change something, and how it ended. `is_stranger`: nobody knows whose it was."""

    who: str
    method: str
    route: str
    status: int
    target: str | None = None
    peer: str | None = None
    token_id: str | None = None
    session_id: str | None = None
    idempotency_key: str | None = None
    is_stranger: bool = False


async def record_deed(connection: AsyncConnection, deed: Deed) -> None:
    """Writes it down. Refused strangers share a row a minute, address and status: they must not push others out."""
    values = {
        "who": _short(deed.who),
        "token_id": deed.token_id,
        "session_id": deed.session_id,
        "method": _short(deed.method),
        "route": _short(deed.route),
        "target": None if deed.target is None else _short(deed.target),
        "status": deed.status,
        "peer": None if deed.peer is None else _short(deed.peer),
        "idempotency_key": None if deed.idempotency_key is None else _short(deed.idempotency_key),
    }
    if not deed.is_stranger:
        await connection.execute(insert(audit).values(values))
        return
    minute = func.to_char(func.clock_timestamp(), "YYYYMMDDHH24MI")
    repeats = func.concat(f"{deed.peer}|{deed.status}|", minute)
    statement = insert(audit).values(**values, repeats=repeats)
    again = statement.on_conflict_do_update(
        index_elements=["repeats"], set_={"times": audit.c.times + 1, "at": func.clock_timestamp()}
    )
    await connection.execute(again)


async def list_deeds(
    connection: AsyncConnection, *, before: int | None = None, who: str | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Newest first. `before` is the id where a page ended."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    if who is not None:
        query = query.where(audit.c.who == storable_text(who))
    return [_entry(row) for row in (await connection.execute(query)).mappings()]


async def purge_deeds(connection: AsyncConnection, *, keep: timedelta = KEEP, rows: int = KEEP_ROWS) -> int:
    """Removes what is old, or beyond the number of rows that are kept. Returns how many."""
    removed = (await connection.execute(delete(audit).where(audit.c.at < func.clock_timestamp() - keep))).rowcount
    return removed + (await connection.execute(_OVERFLOW, {"kept": rows})).rowcount


def _short(words: str) -> str:
    return storable_text(words)[:_LONGEST]


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        who=row["who"],
        token_id=row["token_id"],
        session_id=row["session_id"],
        method=row["method"],
        route=row["route"],
        target=row["target"],
        status=row["status"],
        peer=row["peer"],
        idempotency_key=row["idempotency_key"],
        times=row["times"],
    )
