"""A person takes the worktree into their own hands, and gives it back: each one transaction."""

from __future__ import annotations

from adw.control.legs import halt_leg
from adw.control.resuming import go_on
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.kit.errors import ConflictError, WrongStateError
from adw.ports.engine import Enqueuer
from adw.store import approvals
from adw.store.db import Connection
from adw.store.orders import OrderKind, place_order
from adw.store.workflows import transition, update_workflow

_INSTEAD = {
    Status.COMPLETED: "put your commits on its branch, then have them tested: `adw run -w test --on {id}`",
    Status.FAILED: "put your commits on its branch, then go on: `adw workflow retry {id}`",
    Status.CANCELLED: "branch off from it: `adw workflow fork {id} --from PHASE`",
}
_STOPPABLE = frozenset({Status.QUEUED, Status.ACTIVE, Status.WAITING})


async def take_over(connection: Connection, workflow: Workflow, *, enqueuer: Enqueuer, actor: str) -> Workflow:
    """Stops the workflow and notes who holds its worktree. Doing it twice changes nothing.

    Raises ConflictError when somebody else holds it, WrongStateError when there is nothing to take over.
    """
    adw_id = workflow.adw_id
    if workflow.held_by == actor:
        return workflow
    if workflow.held_by is not None:
        raise ConflictError(
            f"{workflow.held_by} has taken over workflow {adw_id}", hint=f"`adw workflow handback {adw_id}` ends that"
        )
    _check_worth_taking(workflow)
    event = NewEvent(
        type=EventType.WORKFLOW_PAUSED, message=f"{actor} takes the worktree over", data={"by": actor, "heldBy": actor}
    )
    if workflow.status is Status.PAUSED:
        return await update_workflow(connection, adw_id, changes={"held_by": actor}, event=event)
    changes = {"held_by": actor, "paused_from": workflow.status.value, "wait_reason": workflow.wait_reason}
    paused = await transition(connection, adw_id, to=Status.PAUSED, event=event, changes=changes)
    if workflow.status is Status.ACTIVE:
        await halt_leg(connection, enqueuer=enqueuer, workflow=workflow)
    return paused


async def hand_back(
    connection: Connection, workflow: Workflow, *, enqueuer: Enqueuer, actor: str, message: str | None
) -> Workflow:
    """Orders that the person's work be taken in, and lets the workflow go on.

    A conflict it had asked about counts as solved. Raises WrongStateError when nobody has taken it over.
    """
    adw_id, holder = workflow.adw_id, workflow.held_by
    if holder is None:
        raise WrongStateError(f"nobody has taken over workflow {adw_id}", hint=f"`adw workflow takeover {adw_id}` does")
    released = {"held_by": None}
    if workflow.status is not Status.PAUSED:
        event = NewEvent(type=EventType.WORKFLOW_UPDATED, message=f"{actor} gives the worktree up", data={"by": actor})
        return await update_workflow(connection, adw_id, changes=released, event=event)
    order = {"by": holder, "message": message}
    await place_order(connection, adw_id=adw_id, kind=OrderKind.HANDBACK, data=order)
    await _answer_conflict(connection, adw_id, actor=actor)
    event = NewEvent(
        type=EventType.WORKFLOW_RESUMED,
        message=f"{actor} hands the worktree back",
        data={"by": actor, "heldBy": None, "note": message},
    )
    return await go_on(connection, workflow, enqueuer=enqueuer, event=event, changes=released, at_once=True)


def _check_worth_taking(workflow: Workflow) -> None:
    adw_id = workflow.adw_id
    if workflow.status not in _STOPPABLE and workflow.status is not Status.PAUSED:
        raise WrongStateError(
            f"workflow {adw_id} is {workflow.status}; there is nothing at work to take over",
            hint=_INSTEAD.get(workflow.status, "").format(id=adw_id),
        )
    if workflow.rewind_to is not None:
        raise WrongStateError(
            f"the branch of workflow {adw_id} is about to be moved back", hint="take it over once it is at work"
        )
    if workflow.branch_name is None or workflow.head_sha is None:
        raise WrongStateError(
            f"workflow {adw_id} has no commit yet", hint=f"wait for its plan, or stop it: `adw workflow pause {adw_id}`"
        )


async def _answer_conflict(connection: Connection, adw_id: str, *, actor: str) -> None:
    for asked in await approvals.list_approvals(connection, adw_id=adw_id, pending_only=True):
        if asked.kind is ApprovalKind.CONFLICT:
            reason = "the worktree was handed back"
            await approvals.decide(
                connection, approval_id=asked.id, decision=Decision.ALLOWED, decided_by=actor, reason=reason
            )
