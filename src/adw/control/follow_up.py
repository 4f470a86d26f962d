"""A single phase on earlier work of ours: the same workflow goes on, in one transaction of rows and event."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adw.domain.agent import ModelSet
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import ON_EARLIER_WORK, Phase, canonical_kind, with_phase
from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow, WorkflowOptions
from adw.kit.errors import UsageError, WrongStateError
from adw.store import phases
from adw.store.db import Connection, Database
from adw.store.events import get_workflow_events
from adw.store.workflows import lock_workflow, options_to, transition

_ENDERS = (Phase.FINISH, Phase.SHIP)
_OVER = frozenset({PrState.MERGED, PrState.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Which phase is to run again or for the first time, by whose wish and with which choices."""

    phase: str
    actor: str
    model_set: ModelSet | None = None
    options: WorkflowOptions | None = None
    """How it is done from now on; None leaves it as it was. Approval of the plan is not asked again."""
    key: str | None = None
    """Repeating an order with the same key changes nothing."""


async def follow_up(database: Database, adw_id: str, order: FollowUp) -> Workflow:
    """Queues the workflow again, with the phase added where it was missing; it and the end run as a new attempt.

    Raises WrongStateError while the workflow is at work, and for one that is cancelled, merged or closed; UsageError
    for a phase that is not done on earlier work; DuplicateRunError when its issue has another live workflow by now.
    """
    phase = canonical_kind(order.phase)
    if phase not in ON_EARLIER_WORK:
        raise UsageError(
            f"`{order.phase}` is not a phase that goes on with earlier work",
            hint=f"choose one of {', '.join(sorted(ON_EARLIER_WORK))}",
        )
    async with database.begin() as connection:
        workflow = await lock_workflow(connection, adw_id)
        if await _is_repeated(connection, workflow, order.key):
            return workflow
        check_state(workflow)
        return await _queue(connection, workflow, phase, order)


def check_state(workflow: Workflow) -> None:
    """Raises WrongStateError, with the reason, unless a phase may be added to the workflow now."""
    adw_id = workflow.adw_id
    if workflow.pr_state in _OVER:
        raise WrongStateError(
            f"the pull request of workflow {adw_id} is {workflow.pr_state}", hint="start a new workflow with `adw run`"
        )
    if workflow.status is Status.CANCELLED:
        raise WrongStateError(
            f"workflow {adw_id} is cancelled, which is final", hint="start a new workflow with `adw run`"
        )
    if workflow.status not in {Status.COMPLETED, Status.FAILED}:
        raise WrongStateError(
            f"workflow {adw_id} is {workflow.status}; a phase is added once it has completed or failed",
            hint=f"follow it with `adw logs {adw_id} -f`, or end it with `adw workflow cancel {adw_id}`",
        )


async def _is_repeated(connection: Connection, workflow: Workflow, key: str | None) -> bool:
    if key is None:
        return False
    queued = await get_workflow_events(connection, workflow.adw_id, types=[EventType.WORKFLOW_QUEUED])
    return any(event.data.get("key") == key for event in queued)


async def _queue(connection: Connection, workflow: Workflow, phase: str, order: FollowUp) -> Workflow:
    planned = with_phase(workflow.phases, phase)
    again = [name for name in planned if name == phase or name in _ENDERS]
    await phases.supersede_phases(connection, adw_id=workflow.adw_id, names=again)
    event = NewEvent(
        type=EventType.WORKFLOW_QUEUED,
        phase=phase,
        message=f"{phase} requested by {order.actor}",
        data={"by": order.actor, "followUp": phase, "phases": list(planned), "key": order.key},
    )
    changes = {
        "phases": list(planned),
        "failure": None,
        "failure_class": None,
        "model_set": (order.model_set or workflow.model_set).value,
        "options": options_to(_merged(workflow.options, order.options)),
    }
    return await transition(connection, workflow.adw_id, to=Status.QUEUED, event=event, changes=changes)


def _merged(present: WorkflowOptions, wanted: WorkflowOptions | None) -> WorkflowOptions:
    if wanted is None:
        return present
    return replace(present, skip_e2e=wanted.skip_e2e, auto_resolve=wanted.auto_resolve)
