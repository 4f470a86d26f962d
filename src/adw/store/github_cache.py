"""Answers of GitHub with their ETags, so that a process that starts anew asks only whether they still hold.

The table is bounded: what was not used longest goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.store.tables.github import github_answers as answers

MOST_ANSWERS = 4_000
MOST_BYTES = 512 * 1024
"""A longer answer is not kept."""
UNUSED_AFTER = timedelta(days=14)
_NOTE_USE_AFTER = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer with status 200. `link` is its header of that name."""

    etag: str
    body: bytes
    link: str | None = None


async def kept_answer(connection: AsyncConnection, *, credential: str, request: str) -> KeptAnswer | None:
    one = (answers.c.credential == credential, answers.c.request == request)
    row = (await connection.execute(select(answers).where(*one))).one_or_none()
    return None if row is None else KeptAnswer(etag=row.etag, body=bytes(row.body), link=row.link)


async def keep_answer(connection: AsyncConnection, answer: KeptAnswer, *, credential: str, request: str) -> None:
    """Keeps it in place of an earlier one, unless it is too long."""
    if len(answer.body) > MOST_BYTES:
        return
    values = {"etag": answer.etag, "body": answer.body, "link": answer.link, "used_at": func.clock_timestamp()}
    statement = insert(answers).values(credential=credential, request=request, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["credential", "request"], set_=values),
    )


async def note_use(connection: AsyncConnection, *, credential: str, request: str) -> None:
    """It was asked for again, and still holds. Written once in a while only: most of these say the same."""
    one = (answers.c.credential == credential, answers.c.request == request)
    long_ago = answers.c.used_at < func.clock_timestamp() - _NOTE_USE_AFTER
    await connection.execute(update(answers).where(*one, long_ago).values(used_at=func.clock_timestamp()))


async def prune_answers(connection: AsyncConnection, *, most: int = MOST_ANSWERS) -> int:
    """Forgets what nobody used for long and, beyond `most`, what was not used longest. Returns how many."""
    old = delete(answers).where(answers.c.used_at < func.clock_timestamp() - UNUSED_AFTER)
    kept = select(answers.c.used_at).order_by(answers.c.used_at.desc()).offset(most).limit(1).scalar_subquery()
    many = delete(answers).where(answers.c.used_at <= kept)
    return (await connection.execute(old)).rowcount + (await connection.execute(many)).rowcount
