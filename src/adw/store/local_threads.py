"""Threads of reviews, and labels, of the local forge. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.forge import ReviewComment
from adw.domain.threads import ReviewThread, ThreadComment
from adw.kit.errors import NotFoundError
from adw.store.local_forge import get_issue
from adw.store.local_pulls import get_pull_request
from adw.store.tables.local_forge import issues as issue_rows
from adw.store.tables.local_forge import review_threads as thread_rows
from adw.store.tables.local_forge import thread_comments as comment_rows


async def open_threads(
    connection: AsyncConnection,
    *,
    project_id: str,
    number: int,
    review_id: int,
    author: str,
    remarks: Sequence[ReviewComment],
) -> None:
    """A thread for each remark of a review that was just written."""
    for position, remark in enumerate(remarks, start=1):
        values = {
            "project_id": project_id,
            "number": number,
            "review_id": review_id,
            "position": position,
            "path": remark.path,
            "line": remark.line,
        }
        made = insert(thread_rows).values(values).returning(thread_rows.c.id)
        thread_id = (await connection.execute(made)).scalar_one()
        await connection.execute(insert(comment_rows).values(thread_id=thread_id, body=remark.body, author=author))


async def list_threads(connection: AsyncConnection, *, project_id: str, number: int) -> list[ReviewThread]:
    """Oldest first, resolved ones too."""
    await get_pull_request(connection, project_id=project_id, number=number)
    query = select(thread_rows).where(thread_rows.c.project_id == project_id, thread_rows.c.number == number)
    rows = (await connection.execute(query.order_by(thread_rows.c.id))).all()
    of_these = comment_rows.c.thread_id.in_([row.id for row in rows])
    said = (await connection.execute(select(comment_rows).where(of_these).order_by(comment_rows.c.id))).all()
    return [_thread(row, [each for each in said if each.thread_id == row.id]) for row in rows]


async def reply(
    connection: AsyncConnection,
    *,
    project_id: str,
    number: int,
    thread_id: int,
    body: str,
    author: str,
    key: str | None,
) -> ThreadComment:
    """A new answer in a thread, or the one `key` gave there before."""
    await _lock_thread(connection, project_id=project_id, number=number, thread_id=thread_id)
    query = (
        postgresql.insert(comment_rows)
        .values(thread_id=thread_id, body=body, author=author, key=key)
        .on_conflict_do_nothing()
        .returning(comment_rows)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        of_key = select(comment_rows).where(comment_rows.c.thread_id == thread_id, comment_rows.c.key == key)
        row = (await connection.execute(of_key)).one()
    return _comment(row)


async def resolve(connection: AsyncConnection, *, project_id: str, number: int, thread_id: int) -> None:
    """Marks it as settled; a settled one keeps the time it was settled at."""
    await _lock_thread(connection, project_id=project_id, number=number, thread_id=thread_id)
    settled = update(thread_rows).where(thread_rows.c.id == thread_id, thread_rows.c.resolved_at.is_(None))
    await connection.execute(settled.values(resolved_at=func.clock_timestamp()))


async def add_labels(connection: AsyncConnection, *, project_id: str, number: int, labels: Sequence[str]) -> None:
    """Labels that are there already stay where they are."""
    issue = await get_issue(connection, project_id=project_id, number=number)
    await _write_labels(connection, project_id, number, [*dict.fromkeys([*issue.labels, *labels])])


async def remove_label(connection: AsyncConnection, *, project_id: str, number: int, label: str) -> None:
    issue = await get_issue(connection, project_id=project_id, number=number)
    await _write_labels(connection, project_id, number, [each for each in issue.labels if each != label])


async def _write_labels(connection: AsyncConnection, project_id: str, number: int, labels: list[str]) -> None:
    one = (issue_rows.c.project_id == project_id, issue_rows.c.number == number, issue_rows.c.labels != labels)
    values = {"labels": labels, "updated_at": func.clock_timestamp()}
    await connection.execute(update(issue_rows).where(*one).values(values))


async def _lock_thread(connection: AsyncConnection, *, project_id: str, number: int, thread_id: int) -> None:
    query = select(thread_rows.c.id).where(
        thread_rows.c.project_id == project_id, thread_rows.c.number == number, thread_rows.c.id == thread_id
    )
    if (await connection.execute(query.with_for_update())).one_or_none() is None:
        raise NotFoundError(f"there is no thread {thread_id} on pull request #{number}")


def _thread(row: Row[Any], said: Sequence[Row[Any]]) -> ReviewThread:
    return ReviewThread(
        id=str(row.id),
        number=row.number,
        path=row.path,
        line=row.line,
        comments=tuple(_comment(each) for each in said),
        is_resolved=row.resolved_at is not None,
    )


def _comment(row: Row[Any]) -> ThreadComment:
    return ThreadComment(id=str(row.id), author=row.author, body=row.body, created_at=row.created_at, key=row.key)
