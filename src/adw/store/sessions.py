"""Transcripts in PostgreSQL: the rows behind an agent's resumable conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, delete, extract, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.elements import ColumnElement

from adw.ports.sessions import FoldSummary, StoredSession, TranscriptEntry, TranscriptKey
from adw.store.tables.sessions import agent_session_entries as entry_rows
from adw.store.tables.sessions import agent_sessions as session_rows

_SAID = r'"type": ?"user"'
"""Marks an entry as something that was said; inside a string its quotes would be escaped."""


class PostgresTranscripts:
    """Implements `adw.ports.sessions.TranscriptRows`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def append(
        self, key: TranscriptKey, entries: Sequence[TranscriptEntry], *, fold: FoldSummary | None = None
    ) -> None:
        if not entries:
            return
        async with self._engine.begin() as connection:
            session = await _lock_session(connection, key)
            fresh = await _not_yet_stored(connection, session, entries)
            if not fresh:
                return
            await connection.execute(
                insert(entry_rows),
                [
                    {"agent_session_id": session.id, "position": position, "uuid": entry.uuid, "body": entry.body}
                    for position, entry in enumerate(fresh, start=session.entry_count)
                ],
            )
            summary = fold(session.summary, [entry.body for entry in fresh]) if fold else session.summary
            await connection.execute(
                update(session_rows)
                .where(session_rows.c.id == session.id)
                .values(
                    entry_count=session.entry_count + len(fresh),
                    summary=summary,
                    updated_at=func.clock_timestamp(),
                )
            )

    async def load(self, key: TranscriptKey) -> list[str] | None:
        query = (
            select(entry_rows.c.body)
            .join(session_rows, session_rows.c.id == entry_rows.c.agent_session_id)
            .where(_is(key))
            .order_by(entry_rows.c.position)
        )
        async with self._engine.connect() as connection:
            bodies = list((await connection.execute(query)).scalars())
        return bodies or None

    async def list_sessions(self, project_key: str) -> list[StoredSession]:
        modified_ms = cast(func.floor(extract("epoch", session_rows.c.updated_at) * 1000), BigInteger)
        query = select(session_rows.c.session_id, modified_ms, session_rows.c.summary).where(
            session_rows.c.project_key == project_key, session_rows.c.subpath == ""
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [StoredSession(session_id=row[0], modified_ms=row[1], summary=row[2]) for row in rows]

    async def delete(self, key: TranscriptKey) -> None:
        which = _is(key) if key.subpath else _of_session(key)
        async with self._engine.begin() as connection:
            await connection.execute(delete(session_rows).where(which))

    async def list_subpaths(self, key: TranscriptKey) -> list[str]:
        query = select(session_rows.c.subpath).where(_of_session(key), session_rows.c.subpath != "").order_by("subpath")
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())


async def was_said(connection: AsyncConnection, *, project_key: str, session_id: str, words: str) -> bool:
    """Whether the kept conversation has these words among what was said to the agent.

    Words that only stood in line to be said do not count. They must read the same inside a JSON string.
    """
    query = (
        select(entry_rows.c.position)
        .join(session_rows, session_rows.c.id == entry_rows.c.agent_session_id)
        .where(_of_session(TranscriptKey(project_key=project_key, session_id=session_id)))
        .where(func.strpos(entry_rows.c.body, words) > 0, entry_rows.c.body.regexp_match(_SAID))
        .limit(1)
    )
    return (await connection.execute(query)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _LockedSession:
    id: int
    entry_count: int
    summary: str | None


async def _lock_session(connection: AsyncConnection, key: TranscriptKey) -> _LockedSession:
    """Creates the session's row if need be and holds its lock until the transaction ends."""
    statement = postgresql.insert(session_rows).values(
        project_key=key.project_key, session_id=key.session_id, subpath=key.subpath
    )
    statement = statement.on_conflict_do_update(
        index_elements=["project_key", "session_id", "subpath"],
        set_={"project_key": statement.excluded.project_key},  # changes nothing, but locks and returns the row
    )
    columns = (session_rows.c.id, session_rows.c.entry_count, session_rows.c.summary)
    row = (await connection.execute(statement.returning(*columns))).one()
    return _LockedSession(id=row.id, entry_count=row.entry_count, summary=row.summary)


async def _not_yet_stored(
    connection: AsyncConnection, session: _LockedSession, entries: Sequence[TranscriptEntry]
) -> list[TranscriptEntry]:
    uuids = [entry.uuid for entry in entries if entry.uuid is not None]
    query = select(entry_rows.c.uuid).where(
        entry_rows.c.agent_session_id == session.id, entry_rows.c.uuid == func.any(uuids)
    )
    seen = set((await connection.execute(query)).scalars()) if uuids else set[str | None]()
    fresh: list[TranscriptEntry] = []
    for entry in entries:
        if entry.uuid is None or entry.uuid not in seen:
            seen.add(entry.uuid)
            fresh.append(entry)
    return fresh


def _is(key: TranscriptKey) -> ColumnElement[bool]:
    return _of_session(key) & (session_rows.c.subpath == key.subpath)


def _of_session(key: TranscriptKey) -> ColumnElement[bool]:
    return (session_rows.c.project_key == key.project_key) & (session_rows.c.session_id == key.session_id)
