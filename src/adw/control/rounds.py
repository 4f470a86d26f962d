"""Rounds on an open pull request: asked for by people, begun when there is something to answer, and their questions.

Each is one transaction of row, event and what the watch remembers, so that a round is begun once, whoever decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.feedback import BeginRound, round_to
from adw.domain.kinds import Phase, with_phase
from adw.domain.message import MAX_MESSAGE_CHARS
from adw.domain.status import OPEN_PR_STATES, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import UsageError
from adw.store import approvals, phases
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.orders import OrderKind, place_order
from adw.store.watches import find_open, leave_request, wake_watches
from adw.store.workflows import lock_workflow, transition

ACTOR = "adw"
_ENDERS = (Phase.FINISH, Phase.SHIP)


async def ask_round(
    database: Database, *, project_id: str, pr_number: int, actor: str, text: str, key: str
) -> str | None:
    """Leaves what somebody asks for on a pull request of ours; the next look at it lets a round begin.

    The caller has checked that they may. Returns the workflow's id, None when the pull request is not an open one of
    ours. The same key counts once. Raises UsageError for a text that says nothing.
    """
    wanted = text.strip()[:MAX_MESSAGE_CHARS]
    if not wanted:
        raise UsageError("the request says nothing", hint="say what is to be changed")
    async with database.begin() as connection:
        adw_id = await find_open(connection, project_id=project_id, pr_number=pr_number)
        if adw_id is None:
            return None
        await leave_request(connection, adw_id=adw_id, key=key, actor=actor, body=wanted)
        await wake_watches(connection, project_id=project_id, pr_number=pr_number)
        return adw_id


async def begin_round(connection: Connection, adw_id: str, begun: BeginRound, *, base: str | None) -> bool:
    """Queues the workflow with a round to be done. False when it is not at rest, or its pull request not open.

    `base` is the commit to bring in, from which the work counts as begun afterwards.
    """
    workflow = await lock_workflow(connection, adw_id)
    if not is_at_rest(workflow):
        return False
    planned = with_phase(workflow.phases, Phase.RESPOND)
    again = [name for name in planned if name in {Phase.RESPOND, *_ENDERS}]
    await phases.supersede_phases(connection, adw_id=adw_id, names=again)
    data = round_to(begun, base=base)
    number = await place_order(connection, adw_id=adw_id, kind=OrderKind.ROUND, data=data)
    event = NewEvent(
        type=EventType.WORKFLOW_QUEUED,
        phase=Phase.RESPOND,
        message=f"round {number} on pull request #{workflow.pr_number}: {begun.sentence()}",
        data={
            "by": ACTOR,
            "followUp": Phase.RESPOND.value,
            "phases": list(planned),
            "round": number,
            "causes": [cause.value for cause in begun.causes],
        },
    )
    changes: dict[str, Any] = {"phases": list(planned), "failure": None, "failure_class": None}
    if base is not None:
        changes["base_sha"] = base
    await transition(connection, adw_id, to=Status.QUEUED, event=event, changes=changes)
    return True


async def ship_again(connection: Connection, adw_id: str) -> bool:
    """Queues the workflow to be shipped now that what its merge waited for is there. False when it is not at rest."""
    workflow = await lock_workflow(connection, adw_id)
    if not is_at_rest(workflow) or Phase.SHIP not in workflow.phases:
        return False
    await phases.supersede_phases(connection, adw_id=adw_id, names=[Phase.SHIP])
    event = NewEvent(
        type=EventType.WORKFLOW_QUEUED,
        phase=Phase.SHIP,
        message=f"pull request #{workflow.pr_number} can be merged now",
        data={"by": ACTOR, "followUp": Phase.SHIP.value, "phases": list(workflow.phases)},
    )
    await transition(connection, adw_id, to=Status.QUEUED, event=event)
    return True


async def ask_to_go_on(
    connection: Connection,
    adw_id: str,
    *,
    key: str,
    text: str,
    kind: ApprovalKind = ApprovalKind.FEEDBACK,
    data: Mapping[str, Any],
) -> bool:
    """Asks a person while the workflow is at rest; its status stays. False when this was asked before."""
    approval, is_new = await approvals.ask(connection, adw_id=adw_id, kind=kind, key=key, question=text, data=data)
    if is_new:
        told = {"approvalId": str(approval.id), "kind": kind, **data}
        event = NewEvent(type=EventType.APPROVAL_REQUESTED, message=text, data=told)
        await append_event(connection, adw_id, event)
    return is_new


def is_at_rest(workflow: Workflow) -> bool:
    """Whether its phases are done, and its pull request is open."""
    return workflow.status is Status.COMPLETED and workflow.pr_state in OPEN_PR_STATES
