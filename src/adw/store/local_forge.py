"""Issues and comments of the local forge. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.forge import Comment, Issue, IssueState
from adw.kit.errors import NotFoundError
from adw.store.tables.local_forge import comments as comment_rows
from adw.store.tables.local_forge import forge_counters as counter_rows
from adw.store.tables.local_forge import issues as issue_rows
from adw.store.tables.local_forge import pull_requests as pull_rows

_MAX_NUMBER = 2**31 - 1

Begin = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a transaction that commits at the end of its block; `engine.begin` is one."""


async def lock_numbers(connection: AsyncConnection, *, project_id: str) -> None:
    """Makes this transaction the only one that may give numbers in a project, until it ends."""
    await connection.execute(postgresql.insert(counter_rows).values(project_id=project_id).on_conflict_do_nothing())
    await connection.execute(
        select(counter_rows.c.project_id).where(counter_rows.c.project_id == project_id).with_for_update()
    )


async def next_number(connection: AsyncConnection, *, project_id: str) -> int:
    """The next number of the project; given back when the transaction fails. Call `lock_numbers` first."""
    query = (
        update(counter_rows)
        .where(counter_rows.c.project_id == project_id)
        .values(last_number=counter_rows.c.last_number + 1)
        .returning(counter_rows.c.last_number)
    )
    return (await connection.execute(query)).scalar_one()


async def create_issue(
    connection: AsyncConnection,
    *,
    project_id: str,
    title: str,
    body: str,
    author: str,
    labels: Sequence[str] = (),
    key: str | None = None,
) -> Issue:
    """A new issue, or the one `key` made before."""
    await lock_numbers(connection, project_id=project_id)
    if key is not None and (found := await _issue_by_key(connection, project_id=project_id, key=key)) is not None:
        return found
    query = (
        insert(issue_rows)
        .values(
            project_id=project_id,
            number=await next_number(connection, project_id=project_id),
            title=title,
            body=body,
            author=author,
            labels=list(labels),
            key=key,
        )
        .returning(issue_rows)
    )
    return _issue((await connection.execute(query)).one())


async def get_issue(connection: AsyncConnection, *, project_id: str, number: int) -> Issue:
    check_number(number, what="issue")
    query = select(issue_rows).where(issue_rows.c.project_id == project_id, issue_rows.c.number == number)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise no_such("issue", number)
    return _issue(row)


async def list_issues(
    connection: AsyncConnection, *, project_id: str, state: IssueState | None, limit: int
) -> list[Issue]:
    """Newest first; None means whatever state."""
    query = select(issue_rows).where(issue_rows.c.project_id == project_id)
    if state is not None:
        query = query.where(issue_rows.c.state == state)
    rows = await connection.execute(query.order_by(issue_rows.c.number.desc()).limit(limit))
    return [_issue(row) for row in rows]


async def close_issue(connection: AsyncConnection, *, project_id: str, number: int) -> Issue:
    """Closes it; a closed one keeps the time it was closed at."""
    check_number(number, what="issue")
    query = (
        update(issue_rows)
        .where(issue_rows.c.project_id == project_id, issue_rows.c.number == number, issue_rows.c.state == "open")
        .values(state="closed", closed_at=func.clock_timestamp(), updated_at=func.clock_timestamp())
    )
    await connection.execute(query)
    return await get_issue(connection, project_id=project_id, number=number)


async def create_comment(
    connection: AsyncConnection, *, project_id: str, number: int, body: str, author: str, key: str | None = None
) -> Comment:
    """A new comment on an issue or pull request, or the one `key` made there before."""
    await _check_thread(connection, project_id=project_id, number=number)
    query = (
        postgresql.insert(comment_rows)
        .values(project_id=project_id, number=number, body=body, author=author, key=key)
        .on_conflict_do_nothing()
        .returning(comment_rows)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is not None:
        return _comment(row)
    of_key = select(comment_rows).where(
        comment_rows.c.project_id == project_id, comment_rows.c.number == number, comment_rows.c.key == key
    )
    return _comment((await connection.execute(of_key)).one())


async def update_comment(connection: AsyncConnection, *, project_id: str, comment_id: int, body: str) -> Comment:
    """Changes the text; the same text leaves the time of the last change alone."""
    mine = (comment_rows.c.project_id == project_id) & (comment_rows.c.id == comment_id)
    await connection.execute(
        update(comment_rows)
        .where(mine, comment_rows.c.body != body)
        .values(body=body, updated_at=func.clock_timestamp())
    )
    row = (await connection.execute(select(comment_rows).where(mine))).one_or_none()
    if row is None:
        raise no_such("comment", comment_id)
    return _comment(row)


async def list_comments(connection: AsyncConnection, *, project_id: str, number: int) -> list[Comment]:
    """Oldest first."""
    await _check_thread(connection, project_id=project_id, number=number)
    query = select(comment_rows).where(comment_rows.c.project_id == project_id, comment_rows.c.number == number)
    return [_comment(row) for row in await connection.execute(query.order_by(comment_rows.c.id))]


def check_number(number: int, *, what: str) -> None:
    """Raises `NotFoundError` for what cannot be a number, before PostgreSQL says so less politely."""
    if not 0 < number <= _MAX_NUMBER:
        raise no_such(what, number)


def no_such(what: str, number: int) -> NotFoundError:
    """The error for a number nobody gave."""
    sign = "" if what == "comment" else "#"
    return NotFoundError(f"there is no {what} {sign}{number} in this project")


async def _issue_by_key(connection: AsyncConnection, *, project_id: str, key: str) -> Issue | None:
    query = select(issue_rows).where(issue_rows.c.project_id == project_id, issue_rows.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _issue(row)


async def _check_thread(connection: AsyncConnection, *, project_id: str, number: int) -> None:
    check_number(number, what="issue or pull request")
    known = select(issue_rows.c.number).where(issue_rows.c.project_id == project_id, issue_rows.c.number == number)
    pulls = select(pull_rows.c.number).where(pull_rows.c.project_id == project_id, pull_rows.c.number == number)
    if (await connection.execute(known.union_all(pulls))).first() is None:
        raise no_such("issue or pull request", number)


def _issue(row: Row[Any]) -> Issue:
    return Issue(
        number=row.number,
        title=row.title,
        body=row.body,
        state=row.state,
        author=row.author,
        labels=tuple(row.labels),
        created_at=row.created_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
    )


def _comment(row: Row[Any]) -> Comment:
    return Comment(
        id=str(row.id),
        number=row.number,
        body=row.body,
        author=row.author,
        created_at=row.created_at,
        updated_at=row.updated_at,
        key=row.key,
    )
