"""Workflows that wait for a limit's end or for room in a shared budget go on: by themselves, or early by a person."""

from __future__ import annotations

from adw.control.legs import start_leg
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status, WaitReason
from adw.domain.workflow import Workflow
from adw.ports.engine import Enqueuer
from adw.store import limits
from adw.store.db import Connection
from adw.store.workflows import transition


def goes_on_by_itself(workflow: Workflow) -> bool:
    """Whether it waits for something that no answer of a person to a question brings about."""
    return workflow.status is Status.WAITING and workflow.wait_scope is not None


async def go_on_early(connection: Connection, workflow: Workflow, *, enqueuer: Enqueuer, event: NewEvent) -> Workflow:
    """Tries now, on a person's word; others that wait for the same follow if it comes through."""
    if workflow.wait_reason is WaitReason.USAGE_LIMIT and workflow.wait_scope is not None:
        await limits.end_limit(connection, workflow.wait_scope, probe=workflow.adw_id)
    resumed = await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=event)
    await start_leg(connection, enqueuer=enqueuer, workflow=resumed)
    return resumed


async def wake_one(connection: Connection, *, enqueuer: Enqueuer) -> str | None:
    """Lets the next workflow go on whose waiting is over. Returns its id; None when there is none.

    Of those that wait for the same limit one goes ahead, and the others follow once it came through.
    """
    adw_id = await limits.claim_over_limit(connection)
    message = "the limit is over"
    if adw_id is None:
        adw_id = await limits.claim_within_budget(connection)
        message = "there is room in the budget"
    if adw_id is None:
        return None
    event = NewEvent(type=EventType.WORKFLOW_RESUMED, message=f"{message}: goes on by itself", data={"by": "system"})
    resumed = await transition(connection, adw_id, to=Status.ACTIVE, event=event)
    await start_leg(connection, enqueuer=enqueuer, workflow=resumed)
    return adw_id
