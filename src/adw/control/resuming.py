"""How a paused workflow goes on: where it was, or further when it was answered meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.control.legs import start_leg
from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.kit.errors import WrongStateError
from adw.ports.engine import Enqueuer
from adw.store import approvals, phases
from adw.store.db import Connection
from adw.store.rows import failure_to
from adw.store.workflows import transition

_DENIED: Mapping[ApprovalKind, tuple[FailureClass, str]] = {
    ApprovalKind.PLAN: (FailureClass.CANCELLED, "the plan"),
    ApprovalKind.BUDGET: (FailureClass.BUDGET_EXCEEDED, "more money"),
    ApprovalKind.SHIP: (FailureClass.CANCELLED, "shipping"),
    ApprovalKind.CONFLICT: (FailureClass.CONFLICT, "another try at taking in the commits of others"),
    ApprovalKind.FEEDBACK: (FailureClass.CANCELLED, "going on with this pull request"),
    ApprovalKind.REVERT: (FailureClass.CANCELLED, "taking the merge back"),
}
"""What each kind of question was about, and what a no makes of the workflow."""


async def go_on(
    connection: Connection,
    workflow: Workflow,
    *,
    enqueuer: Enqueuer,
    event: NewEvent,
    changes: Mapping[str, Any] | None = None,
    at_once: bool = False,
) -> Workflow:
    """Continues a paused workflow; denied meanwhile, it fails.

    One that waited goes on waiting unless it was answered, or, `at_once`, gets a leg that asks again when it has to.
    """
    if workflow.status is not Status.PAUSED or workflow.paused_from is None:
        raise WrongStateError(f"workflow {workflow.adw_id} is {workflow.status}, not paused")
    answer = await _answer_meanwhile(connection, workflow)
    denied = answer is not None and not is_allowed(answer)
    target = workflow.paused_from
    if target is Status.WAITING and not denied and (at_once or answer is not None):
        target = Status.ACTIVE
    reason = workflow.wait_reason if target is Status.WAITING else None
    values = {**(changes or {}), "wait_reason": reason}
    resumed = await transition(connection, workflow.adw_id, to=target, event=event, changes=values)
    if target is Status.ACTIVE:
        await start_leg(connection, enqueuer=enqueuer, workflow=resumed)
    elif answer is not None and denied:
        return await fail_denied(connection, resumed, answer)
    return resumed


def is_allowed(decided: Approval) -> bool:
    return decided.decision is Decision.ALLOWED


async def fail_denied(connection: Connection, workflow: Workflow, decided: Approval) -> Workflow:
    """Ends the attempt that asked as well, so that a retry asks again."""
    failure_class, what = _DENIED[decided.kind]
    because = f": {decided.reason}" if decided.reason else ""
    failure = Failure(failure_class=failure_class, message=f"{what} was denied by {decided.decided_by}{because}")
    event = NewEvent(type=EventType.WORKFLOW_FAILED, message=failure.message, data=failure_to(failure))
    changes = {"failure": failure_to(failure), "failure_class": failure.failure_class.value}
    await phases.end_running_phases(connection, adw_id=workflow.adw_id, status=PhaseStatus.FAILED)
    return await transition(connection, workflow.adw_id, to=Status.FAILED, event=event, changes=changes)


async def _answer_meanwhile(connection: Connection, workflow: Workflow) -> Approval | None:
    """The answer to the question the workflow waited for before it was paused; None while there is none.

    A workflow asks one question at a time, so it is the latest one; what its agents have asked is theirs.
    """
    if workflow.paused_from is not Status.WAITING or workflow.wait_scope is not None:
        return None
    known = await approvals.list_approvals(connection, adw_id=workflow.adw_id)
    asked = [each for each in known if not each.kind.is_of_agent]
    return asked[-1] if asked and asked[-1].decision is not Decision.PENDING else None
