"""Workflow rows: created once, changed only together with an event."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status, check_transition
from adw.domain.workflow import NewWorkflow, Workflow, WorkflowOptions
from adw.kit.errors import DuplicateRunError, NotFoundError, UsageError
from adw.store.events import FencedError, append_event
from adw.store.json import storable, storable_text
from adw.store.listing import Filters, listed
from adw.store.rows import workflow_from
from adw.store.tables.workflows import workflows
from adw.store.watches import follow_workflow

_ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
_LIVE_INDEX = "one_live_workflow_per_issue"
_KEY_INDEX = "uq_adw_workflows_idempotency_key"
_ONE = select(workflows).where(workflows.c.adw_id == bindparam("adw_id"))
"""Made once: what is known of a statement's rows belongs to the statement, and this one has many columns."""


async def create_workflow(connection: AsyncConnection, new: NewWorkflow) -> Workflow:
    """Writes a queued workflow and its first event. A second live one on the same issue is a DuplicateRunError."""
    values = {
        "adw_id": new.adw_id,
        "project_id": new.project_id,
        "workflow_type": new.workflow_type,
        "phases": list(new.phases),
        "issue_number": new.issue_number,
        "issue_title": storable_text(new.issue_title),
        "issue_body": storable_text(new.issue_body),
        "base_branch": new.base_branch,
        "base_sha": new.base_sha,
        "model_set": new.model_set.value,
        "budget_usd": new.budget_usd,
        "priority": new.priority,
        "options": options_to(new.options),
        "trigger": storable(new.trigger),
        "idempotency_key": new.idempotency_key,
        "issue_class": new.issue_class,
        "branch_name": new.branch_name,
        "head_sha": new.head_sha,
        "plan_file": new.plan_file,
        "forked_from": new.forked_from,
        "depends_on": list(new.depends_on),
        "project_limit": new.project_limit,
        "open_pull_limit": new.open_pull_limit,
    }
    with _live_once(new.issue_number):
        await connection.execute(insert(workflows).values(values))
    data = {"workflowType": new.workflow_type, "issueNumber": new.issue_number, "title": new.issue_title}
    created = NewEvent(type=EventType.WORKFLOW_CREATED, message=f"accepted: {new.issue_title}", data=data)
    await append_event(connection, new.adw_id, created)
    return await require_workflow(connection, new.adw_id)


async def get_workflow(connection: AsyncConnection, adw_id: str) -> Workflow | None:
    row = (await connection.execute(_ONE, {"adw_id": adw_id})).mappings().first()
    return None if row is None else workflow_from(row)


async def require_workflow(connection: AsyncConnection, adw_id: str) -> Workflow:
    found = await get_workflow(connection, adw_id)
    if found is None:
        raise NotFoundError(f"there is no workflow {adw_id}", hint="see `adw workflow list`")
    return found


async def lock_workflow(connection: AsyncConnection, adw_id: str) -> Workflow:
    """The row, locked against changes by others until the transaction ends."""
    query = select(workflows).where(workflows.c.adw_id == adw_id).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no workflow {adw_id}", hint="see `adw workflow list`")
    return workflow_from(row)


async def resolve_prefix(connection: AsyncConnection, prefix: str) -> str:
    """The full id a unique prefix stands for."""
    prefix = storable_text(prefix.strip())
    if not prefix:
        raise UsageError("no workflow is named", hint="see `adw workflow list`")
    query = select(workflows.c.adw_id).where(workflows.c.adw_id.startswith(prefix, autoescape=True)).limit(3)
    found = (await connection.execute(query)).scalars().all()
    if not found:
        raise NotFoundError(f"there is no workflow {prefix}", hint="see `adw workflow list`")
    if len(found) > 1:
        raise UsageError(f"{prefix!r} is the beginning of several ids", hint=f"give more of it: {', '.join(found)}")
    return found[0]


async def update_workflow(
    connection: AsyncConnection,
    adw_id: str,
    *,
    changes: Mapping[str, Any],
    event: NewEvent | None = None,
    owner_epoch: int | None = None,
) -> Workflow:
    """Changes columns other than `status`, with the event that tells of it."""
    if "status" in changes:
        raise UsageError("a status changes only by `transition`")
    told = event or NewEvent(type=EventType.WORKFLOW_UPDATED, data=dict(changes))
    await append_event(connection, adw_id, told, owner_epoch=owner_epoch)
    await _write(connection, adw_id, changes)
    return await require_workflow(connection, adw_id)


async def transition(
    connection: AsyncConnection,
    adw_id: str,
    *,
    to: Status,
    event: NewEvent,
    changes: Mapping[str, Any] | None = None,
    owner_epoch: int | None = None,
) -> Workflow:
    """Moves a workflow to another status, by the state machine's rules, with the event that tells of it."""
    current = await lock_workflow(connection, adw_id)
    if owner_epoch is not None and current.owner_epoch != owner_epoch:
        raise FencedError(f"workflow {adw_id} belongs to another worker now")
    check_transition(current.status, to)
    values: dict[str, Any] = {
        "status": to.value,
        "wait_reason": None,
        "paused_from": None,
        "completed_at": func.clock_timestamp() if to in _ENDED else None,
        "queued_because": None,
        **(changes or {}),
    }
    if to not in {Status.WAITING, Status.PAUSED}:
        values |= {"resume_at": None, "wait_scope": None, "wait_usd": None}
    if to is Status.ACTIVE and current.started_at is None:
        values["started_at"] = func.clock_timestamp()
    if to is Status.QUEUED and current.status is not Status.PAUSED:
        values["queued_at"] = func.clock_timestamp()
    await _write(connection, adw_id, values)
    await append_event(connection, adw_id, event, owner_epoch=owner_epoch)
    return await require_workflow(connection, adw_id)


async def claim_ownership(connection: AsyncConnection, adw_id: str, *, owner_id: str, leg: int | None = None) -> int:
    """Makes `owner_id` the workflow's owner and returns the new epoch; every older owner is fenced off.

    Raises FencedError when `leg` is given and another leg has begun since: who is late must not fence off the present
    one. Raises NotFoundError when there is no such workflow.
    """
    statement = (
        update(workflows)
        .where(workflows.c.adw_id == adw_id)
        .values(owner_id=owner_id, owner_epoch=workflows.c.owner_epoch + 1)
        .returning(workflows.c.owner_epoch)
    )
    if leg is not None:
        statement = statement.where(workflows.c.leg == leg)
    epoch = (await connection.execute(statement)).scalar_one_or_none()
    if epoch is None:
        await require_workflow(connection, adw_id)
        raise FencedError(f"leg {leg} of workflow {adw_id} is over")
    return epoch


async def fence_off(connection: AsyncConnection, adw_id: str) -> None:
    """Takes the workflow away from whoever runs it; what they may still write is refused."""
    values = {"owner_id": None, "owner_epoch": workflows.c.owner_epoch + 1}
    await connection.execute(update(workflows).where(workflows.c.adw_id == adw_id).values(values))


async def begin_leg(connection: AsyncConnection, adw_id: str) -> int:
    """Counts one more leg and returns its number."""
    statement = (
        update(workflows).where(workflows.c.adw_id == adw_id).values(leg=workflows.c.leg + 1).returning(workflows.c.leg)
    )
    return (await connection.execute(statement)).scalar_one()


async def list_workflows(connection: AsyncConnection, *, limit: int = 50, **filters: Unpack[Filters]) -> list[Workflow]:
    """Workflows, newest first, from `since` on. `before` is the (created_at, adw_id) of the last row already seen."""
    rows = await connection.execute(listed(filters), {"most": limit})
    return [workflow_from(row) for row in rows.mappings()]


async def list_active_workflows(connection: AsyncConnection) -> list[Workflow]:
    return await list_workflows(connection, statuses=[Status.ACTIVE], limit=10_000)


async def find_by_idempotency_key(connection: AsyncConnection, key: str) -> Workflow | None:
    row = (await connection.execute(select(workflows).where(workflows.c.idempotency_key == key))).mappings().first()
    return None if row is None else workflow_from(row)


async def find_live_on_issue(connection: AsyncConnection, *, project_id: str, issue_number: int) -> Workflow | None:
    """The workflow that still occupies the issue, if any."""
    live = text(
        "(status IN ('queued', 'active', 'waiting', 'paused')"
        " OR (status <> 'cancelled' AND pr_state IN ('draft', 'ready')))"
    )
    query = select(workflows).where(
        workflows.c.project_id == project_id,
        workflows.c.issue_number == issue_number,
        workflows.c.forked_from.is_(None),
        live,
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else workflow_from(row)


async def count_active(connection: AsyncConnection) -> int:
    query = select(func.count()).select_from(workflows).where(workflows.c.status == Status.ACTIVE.value)
    return (await connection.execute(query)).scalar_one()


def options_to(options: WorkflowOptions) -> dict[str, Any]:
    """As the column keeps them."""
    # A key that older code does not know is written only where it says something.
    chosen = {} if options.model is None else {"model": options.model}
    return {
        **chosen,
        "skip_e2e": options.skip_e2e,
        "auto_resolve": options.auto_resolve,
        "plan_approval": options.plan_approval,
    }


async def _write(connection: AsyncConnection, adw_id: str, values: Mapping[str, Any]) -> None:
    statement = update(workflows).where(workflows.c.adw_id == adw_id)
    with _live_once():
        await connection.execute(statement.values(**storable(values), updated_at=func.clock_timestamp()))
    await follow_workflow(connection, adw_id, values)


@contextmanager
def _live_once(issue_number: int | None = None) -> Generator[None]:
    try:
        yield
    except IntegrityError as error:
        said = str(error.orig)
        if _LIVE_INDEX in said:
            issue = "the issue" if issue_number is None else f"issue #{issue_number}"
            raise DuplicateRunError(f"{issue} already has another live workflow") from error
        if _KEY_INDEX in said:
            raise DuplicateRunError("a workflow with this idempotency key exists already") from error
        raise
