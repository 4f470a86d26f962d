"""Approvals: durable questions. Asking twice with the same key asks once; the first decision stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.kit.errors import NotFoundError, UsageError
from adw.store.json import storable, storable_text
from adw.store.tables.work import approvals


async def ask(
    connection: AsyncConnection,
    *,
    adw_id: str,
    kind: ApprovalKind,
    key: str,
    question: str,
    data: Mapping[str, Any],
) -> tuple[Approval, bool]:
    """The approval with this key, and whether it was asked just now."""
    values = {
        "adw_id": adw_id,
        "kind": kind.value,
        "key": key,
        "question": storable_text(question),
        "data": storable(data),
    }
    made = await connection.execute(insert(approvals).values(values).on_conflict_do_nothing().returning(approvals.c.id))
    is_new = made.first() is not None
    query = select(approvals).where(approvals.c.adw_id == adw_id, approvals.c.key == key)
    return _approval((await connection.execute(query)).mappings().one()), is_new


async def ask_once_more(
    connection: AsyncConnection,
    *,
    adw_id: str,
    kind: ApprovalKind,
    key: str,
    question: str,
    data: Mapping[str, Any],
) -> tuple[Approval, bool]:
    """Like `ask`, but an approval that was used answers nothing any more: then the same is asked anew."""
    same = (approvals.c.adw_id == adw_id, approvals.c.key.startswith(f"{key}.", autoescape=True))
    used = select(func.count()).select_from(approvals).where(*same, approvals.c.used_at.is_not(None))
    number = (await connection.execute(used)).scalar_one()
    return await ask(connection, adw_id=adw_id, kind=kind, key=f"{key}.{number}", question=question, data=data)


async def use(connection: AsyncConnection, *, approval_id: UUID) -> bool:
    """Claims the answer, which counts for one call; False when it was claimed before."""
    one = (approvals.c.id == approval_id, approvals.c.used_at.is_(None))
    statement = update(approvals).where(*one).values(used_at=func.clock_timestamp()).returning(approvals.c.id)
    return (await connection.execute(statement)).first() is not None


async def decide(
    connection: AsyncConnection,
    *,
    approval_id: UUID,
    decision: Decision,
    decided_by: str,
    reason: str | None,
    edited_input: Mapping[str, Any] | None = None,
) -> bool:
    """Records the decision unless there is one already. Tells whether it was this one that counted."""
    statement = (
        update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.decision == Decision.PENDING.value)
        .values(
            decision=decision.value,
            decided_by=decided_by,
            reason=reason,
            decided_at=func.clock_timestamp(),
            edited_input=storable(edited_input),
        )
        .returning(approvals.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def get_approval(connection: AsyncConnection, approval_id: UUID) -> Approval:
    row = (await connection.execute(select(approvals).where(approvals.c.id == approval_id))).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no approval {approval_id}", hint="see `adw approval list`")
    return _approval(row)


async def find_approval(connection: AsyncConnection, reference: str) -> Approval:
    """By the beginning of its id, or by the id of a workflow with one pending question."""
    reference = storable_text(reference.strip())
    if not reference:
        raise UsageError("no approval is named", hint="see `adw approval list`")
    pending = approvals.c.decision == Decision.PENDING.value
    by_id = cast(approvals.c.id, Text).startswith(reference, autoescape=True)
    by_workflow = approvals.c.adw_id.startswith(reference, autoescape=True) & pending
    rows = (await connection.execute(select(approvals).where(by_id | by_workflow).limit(2))).mappings().all()
    if not rows:
        raise NotFoundError(f"there is no approval {reference!r}", hint="see `adw approval list`")
    if len(rows) > 1:
        raise UsageError(f"{reference!r} stands for several approvals", hint="give the approval's id")
    return _approval(rows[0])


async def list_approvals(
    connection: AsyncConnection, *, adw_id: str | None = None, pending_only: bool = False
) -> list[Approval]:
    query = select(approvals).order_by(approvals.c.created_at)
    if adw_id is not None:
        query = query.where(approvals.c.adw_id == adw_id)
    if pending_only:
        query = query.where(approvals.c.decision == Decision.PENDING.value)
    return [_approval(row) for row in (await connection.execute(query)).mappings()]


async def expire(connection: AsyncConnection, *, approval_id: UUID) -> None:
    """Nobody waits for the answer any longer; one that was given stands."""
    one = (approvals.c.id == approval_id, approvals.c.decision == Decision.PENDING.value)
    values = {"decision": Decision.EXPIRED.value, "decided_at": func.clock_timestamp()}
    await connection.execute(update(approvals).where(*one).values(values))


async def expire_pending(connection: AsyncConnection, *, adw_id: str, of_agents: bool = False) -> None:
    """Closes open questions of a workflow that has ended, all of them or those its agents waited for."""
    one = [approvals.c.adw_id == adw_id, approvals.c.decision == Decision.PENDING.value]
    if of_agents:
        one.append(approvals.c.kind.in_([kind.value for kind in ApprovalKind if kind.is_of_agent]))
    values = {"decision": Decision.EXPIRED.value, "decided_at": func.clock_timestamp()}
    await connection.execute(update(approvals).where(*one).values(values))


def _approval(row: RowMapping) -> Approval:
    return Approval(
        id=row["id"],
        adw_id=row["adw_id"],
        kind=ApprovalKind(row["kind"]),
        key=row["key"],
        question=row["question"],
        data=row["data"],
        decision=Decision(row["decision"]),
        reason=row["reason"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        created_at=row["created_at"],
        edited_input=row["edited_input"],
    )
