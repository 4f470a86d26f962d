"""Pull requests and reviews of the local forge. Every function works inside the caller's transaction.

Rows know the head commit of the moment they were written; what a branch points to now is git's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.forge import PullRequest, PullRequestFilter, PullRequestState, Review, ReviewComment, ReviewState
from adw.kit.errors import ConflictError
from adw.store.local_forge import check_number, next_number, no_such
from adw.store.tables.local_forge import pull_requests as pull_rows
from adw.store.tables.local_forge import reviews as review_rows

_OPEN_STATES = ("draft", "ready")


async def find_pull_request(
    connection: AsyncConnection, *, project_id: str, head: str, key: str | None = None
) -> PullRequest | None:
    """The open pull request of branch `head`, else the one made by `key` in whatever state."""
    is_open = (pull_rows.c.head_branch == head) & pull_rows.c.state.in_(_OPEN_STATES)
    wanted = is_open if key is None else is_open | (pull_rows.c.key == key)
    query = select(pull_rows).where(pull_rows.c.project_id == project_id, wanted).order_by(is_open.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _pull(row)


async def create_pull_request(
    connection: AsyncConnection,
    *,
    project_id: str,
    head: str,
    head_sha: str,
    base: str,
    title: str,
    body: str,
    author: str,
    draft: bool,
    key: str | None,
) -> PullRequest:
    """A new pull request. Call `lock_numbers` and `find_pull_request` first, in the same transaction."""
    query = (
        insert(pull_rows)
        .values(
            project_id=project_id,
            number=await next_number(connection, project_id=project_id),
            title=title,
            body=body,
            state="draft" if draft else "ready",
            head_branch=head,
            head_sha=head_sha,
            base=base,
            author=author,
            key=key,
        )
        .returning(pull_rows)
    )
    return _pull((await connection.execute(query)).one())


async def get_pull_request(connection: AsyncConnection, *, project_id: str, number: int) -> PullRequest:
    return _pull(await _row(connection, _of(project_id, number), number))


async def lock_pull_request(
    connection: AsyncConnection, *, project_id: str, number: int
) -> tuple[PullRequest, str | None]:
    """The pull request and its merge candidate, if one was prepared; nobody else changes it in this transaction."""
    row = await _row(connection, _of(project_id, number).with_for_update(), number)
    return _pull(row), row.merge_candidate_sha


async def list_pull_requests(
    connection: AsyncConnection, *, project_id: str, state: PullRequestFilter, limit: int
) -> list[PullRequest]:
    """Newest first."""
    query = select(pull_rows).where(pull_rows.c.project_id == project_id)
    if state == "open":
        query = query.where(pull_rows.c.state.in_(_OPEN_STATES))
    elif state != "all":
        query = query.where(pull_rows.c.state == state)
    rows = await connection.execute(query.order_by(pull_rows.c.number.desc()).limit(limit))
    return [_pull(row) for row in rows]


async def is_offered_to(connection: AsyncConnection, *, project_id: str, branch: str) -> bool:
    """Whether some pull request is, or was, to be merged into this branch."""
    query = select(pull_rows.c.number).where(pull_rows.c.project_id == project_id, pull_rows.c.base == branch).limit(1)
    return (await connection.execute(query)).first() is not None


async def edit_pull_request(
    connection: AsyncConnection, *, project_id: str, number: int, title: str | None, body: str | None
) -> PullRequest:
    """Changes what is not None."""
    await lock_pull_request(connection, project_id=project_id, number=number)
    changes = {name: text for name, text in (("title", title), ("body", body)) if text is not None}
    if changes:
        await _update(connection, project_id, number, **changes)
    return await get_pull_request(connection, project_id=project_id, number=number)


async def mark_ready(connection: AsyncConnection, *, project_id: str, number: int) -> PullRequest:
    """Draft becomes ready; ready and merged stay; closed raises `ConflictError`."""
    return await _turn(connection, project_id, number, before="draft", after="ready")


async def mark_draft(connection: AsyncConnection, *, project_id: str, number: int) -> PullRequest:
    """Ready becomes a draft again; drafts and merged stay; closed raises `ConflictError`."""
    return await _turn(connection, project_id, number, before="ready", after="draft")


async def close_pull_request(
    connection: AsyncConnection, *, project_id: str, number: int, head_sha: str
) -> PullRequest:
    """Closes it at `head_sha`; closed stays; merged raises `ConflictError`."""
    pull, _ = await lock_pull_request(connection, project_id=project_id, number=number)
    if pull.state == "merged":
        raise ConflictError(f"pull request #{number} is merged already and cannot be closed")
    if pull.is_open:
        await _update(
            connection, project_id, number, state="closed", closed_at=func.clock_timestamp(), head_sha=head_sha
        )
    return await get_pull_request(connection, project_id=project_id, number=number)


async def record_merge_candidate(connection: AsyncConnection, *, project_id: str, number: int, sha: str) -> None:
    """Notes the commit that is about to be put on the base branch, so that a repeat can recognise it there."""
    await _update(connection, project_id, number, merge_candidate_sha=sha)


async def record_merge(
    connection: AsyncConnection, *, project_id: str, number: int, merge_sha: str, head_sha: str
) -> None:
    await _update(
        connection,
        project_id,
        number,
        state="merged",
        merge_sha=merge_sha,
        head_sha=head_sha,
        closed_at=func.clock_timestamp(),
    )


async def add_review(
    connection: AsyncConnection,
    *,
    project_id: str,
    number: int,
    state: ReviewState,
    body: str,
    author: str,
    head_sha: str,
    comments: Sequence[ReviewComment],
    key: str | None,
) -> tuple[Review, bool]:
    """A new review, or the one `key` made on this pull request before; and whether it is new."""
    query = (
        postgresql.insert(review_rows)
        .values(
            project_id=project_id,
            number=number,
            state=state,
            body=body,
            author=author,
            head_sha=head_sha,
            comments=[{"path": remark.path, "line": remark.line, "body": remark.body} for remark in comments],
            key=key,
        )
        .on_conflict_do_nothing()
        .returning(review_rows)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is not None:
        return _review(row), True
    of_key = select(review_rows).where(
        review_rows.c.project_id == project_id, review_rows.c.number == number, review_rows.c.key == key
    )
    return _review((await connection.execute(of_key)).one()), False


async def list_reviews(connection: AsyncConnection, *, project_id: str, number: int) -> list[Review]:
    """Oldest first."""
    await get_pull_request(connection, project_id=project_id, number=number)
    query = select(review_rows).where(review_rows.c.project_id == project_id, review_rows.c.number == number)
    return [_review(row) for row in await connection.execute(query.order_by(review_rows.c.id))]


async def _turn(
    connection: AsyncConnection, project_id: str, number: int, /, *, before: PullRequestState, after: PullRequestState
) -> PullRequest:
    pull, _ = await lock_pull_request(connection, project_id=project_id, number=number)
    if pull.state == "closed":
        raise ConflictError(f"pull request #{number} is closed", hint="open a new one for its branch")
    if pull.state == before:
        await _update(connection, project_id, number, state=after)
    return await get_pull_request(connection, project_id=project_id, number=number)


def _of(project_id: str, number: int) -> Select[Any]:
    return select(pull_rows).where(pull_rows.c.project_id == project_id, pull_rows.c.number == number)


async def _row(connection: AsyncConnection, query: Select[Any], number: int) -> Row[Any]:
    check_number(number, what="pull request")
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise no_such("pull request", number)
    return row


async def _update(connection: AsyncConnection, project_id: str, number: int, /, **values: Any) -> None:
    await connection.execute(
        update(pull_rows)
        .where(pull_rows.c.project_id == project_id, pull_rows.c.number == number)
        .values(updated_at=func.clock_timestamp(), **values)
    )


def _pull(row: Row[Any]) -> PullRequest:
    return PullRequest(
        number=row.number,
        title=row.title,
        body=row.body,
        state=row.state,
        head_branch=row.head_branch,
        head_sha=row.head_sha,
        base=row.base,
        author=row.author,
        created_at=row.created_at,
        updated_at=row.updated_at,
        merge_sha=row.merge_sha,
        merged_at=row.closed_at if row.state == "merged" else None,
        closed_at=row.closed_at,
    )


def _review(row: Row[Any]) -> Review:
    return Review(
        id=str(row.id),
        number=row.number,
        state=row.state,
        body=row.body,
        author=row.author,
        head_sha=row.head_sha,
        submitted_at=row.submitted_at,
        comments=tuple(ReviewComment(**remark) for remark in row.comments),
    )
