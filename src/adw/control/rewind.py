"""Doing phases again from an earlier commit: what followed is superseded, and the next leg moves the branch back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adw.control.otherwise import AS_BEFORE, Otherwise
from adw.control.points import Point, check_phase, has_run, point_before
from adw.domain.events import EventType, NewEvent
from adw.domain.phase import PhaseStatus
from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import ConflictError, UsageError, WrongStateError
from adw.ports.projects import ForeignTip
from adw.store import phases
from adw.store.db import Connection
from adw.store.orders import OrderKind, count_orders, place_order, settle_orders, settled_orders
from adw.store.workflows import transition

OVER = frozenset({PrState.MERGED, PrState.CLOSED})
_REDOABLE = frozenset({Status.FAILED, Status.COMPLETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Redo:
    """The phase to begin with again, by whose wish. `foreign` is what others have put on the branch."""

    phase: str
    actor: str
    discard_foreign: bool
    foreign: tuple[ForeignTip, ...] = ()
    otherwise: Otherwise = AS_BEFORE


async def order_rewind(connection: Connection, workflow: Workflow, redo: Redo) -> Workflow:
    """Queues the workflow with everything from the phase on to be done again. Holders of its row lock only.

    Raises WrongStateError while it is at work and once it is merged or closed, UsageError for a phase that has never
    run, ConflictError when commits of others would be given up.
    """
    check_redoable(workflow)
    check_phase(workflow, redo.phase)
    rows = await phases.list_phases(connection, workflow.adw_id)
    if not has_run(rows, redo.phase):
        raise UsageError(f"{redo.phase} has never run in workflow {workflow.adw_id}", hint=_plain_retry(workflow))
    point = point_before(workflow, rows, redo.phase)
    await _check_foreign(connection, workflow, redo, point)
    names = workflow.phases[workflow.phases.index(redo.phase) :]
    await phases.end_running_phases(connection, adw_id=workflow.adw_id, status=PhaseStatus.FAILED)
    await phases.supersede_phases(connection, adw_id=workflow.adw_id, names=names)
    await settle_orders(connection, workflow.adw_id, OrderKind.REWIND)
    rewinds = workflow.branch_name is not None and workflow.head_sha is not None
    if rewinds:
        await _place(connection, workflow, redo, to=point.commit)
    event = NewEvent(
        type=EventType.WORKFLOW_QUEUED,
        message=f"retried from {redo.phase} by {redo.actor}",
        data={
            "by": redo.actor,
            "fromPhase": redo.phase,
            "rewindTo": point.commit if rewinds else None,
            **redo.otherwise.told,
        },
    )
    changes = {
        "failure": None,
        "failure_class": None,
        "rewind_to": point.commit if rewinds else None,
        **redo.otherwise.changes(workflow),
    }
    await redo.otherwise.say(connection, workflow.adw_id, actor=redo.actor)
    return await transition(connection, workflow.adw_id, to=Status.QUEUED, event=event, changes=changes)


def check_redoable(workflow: Workflow) -> None:
    """Raises WrongStateError unless its phases are over and its pull request is not."""
    if workflow.pr_state in OVER:
        raise WrongStateError(
            f"the pull request of workflow {workflow.adw_id} is {workflow.pr_state}",
            hint=f"branch off from it: `adw workflow fork {workflow.adw_id} --from PHASE`, or start anew: `adw run`",
        )
    if workflow.status not in _REDOABLE:
        raise WrongStateError(
            f"workflow {workflow.adw_id} is {workflow.status}; only a failed or completed one can be done again",
            hint=f"see `adw workflow show {workflow.adw_id}`",
        )


async def _check_foreign(connection: Connection, workflow: Workflow, redo: Redo, point: Point) -> None:
    if redo.discard_foreign:
        return
    orders = await settled_orders(connection, workflow.adw_id, OrderKind.ADOPTION)
    adopted = [order for order in orders if point.since is None or order.created_at > point.since]
    if redo.foreign or adopted:
        raise ConflictError(
            f"branch {workflow.branch_name} holds commits that are not the workflow's own",
            hint=f"add --discard-foreign to give them up (they are kept as refs/adw/{workflow.adw_id}/attempt-N)",
        )


async def _place(connection: Connection, workflow: Workflow, redo: Redo, *, to: str) -> None:
    number = await count_orders(connection, workflow.adw_id, OrderKind.REWIND) + 1
    pushed = next((tip.sha for tip in redo.foreign if tip.on_remote), workflow.head_sha)
    published = next((tip.sha for tip in redo.foreign if not tip.on_remote), None)
    data = {
        "to": to,
        "from": redo.phase,
        "old": pushed,
        "published": published,
        "keep": _kept(str(workflow.head_sha), redo.foreign, number=number),
    }
    await place_order(connection, adw_id=workflow.adw_id, kind=OrderKind.REWIND, data=data)


def _kept(head: str, foreign: Sequence[ForeignTip], *, number: int) -> dict[str, str]:
    """Under which labels what is given up stays on the remote: as few as hold everything."""
    around = [tip.sha for tip in foreign if tip.contains_ours]
    beside = [tip.sha for tip in foreign if not tip.contains_ours]
    first, *more = [*around, *([] if around else [head]), *beside]
    extra = {f"attempt-{number}-foreign-{index}": sha for index, sha in enumerate(more, start=1)}
    return {f"attempt-{number}": first, **extra}


def _plain_retry(workflow: Workflow) -> str:
    if workflow.status is Status.FAILED:
        return f"`adw workflow retry {workflow.adw_id}` goes on where it failed"
    return f"see `adw workflow show {workflow.adw_id}` for the phases that ran"
