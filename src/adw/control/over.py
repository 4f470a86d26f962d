"""Pull requests that are over: merged or closed by somebody on the forge, recorded with what is under way stopped.

Recording is one transaction; tidying up afterwards may be repeated, whatever of it was done before.
"""

from __future__ import annotations

from adw.control.legs import halt_leg
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import PullRequest
from adw.domain.kinds import phase_words
from adw.domain.phase import PhaseStatus
from adw.domain.project import Project
from adw.domain.status import OPEN_PR_STATES, UNFINISHED, PrState, Status
from adw.domain.workflow import Workflow
from adw.ports.engine import Enqueuer
from adw.ports.projects import ProjectAccess
from adw.store import approvals, phases
from adw.store.db import Connection
from adw.store.workflows import lock_workflow, transition, update_workflow

SHIPPING = phase_words("ship").running


async def record_over(connection: Connection, adw_id: str, pull: PullRequest) -> bool:
    """Writes down that the forge has it merged or closed. False when that is known already."""
    workflow = await lock_workflow(connection, adw_id)
    if workflow.pr_state not in OPEN_PR_STATES:
        return False
    changes: dict[str, str | None] = {"pr_state": pull.state}
    if pull.state == "merged":
        changes["merge_sha"] = pull.merge_sha
        told, message = EventType.PULL_REQUEST_MERGED, f"pull request #{pull.number} was merged on the forge"
    else:
        told, message = EventType.PULL_REQUEST_UPDATED, f"pull request #{pull.number} was closed on the forge"
    data = {"number": pull.number, "state": pull.state, "sha": pull.merge_sha}
    await update_workflow(connection, adw_id, changes=changes, event=NewEvent(type=told, message=message, data=data))
    return True


async def stop_for_good(connection: Connection, adw_id: str, *, enqueuer: Enqueuer) -> bool:
    """Ends whatever the workflow still does for a pull request that is over. False while that cannot be yet.

    Merged, its work is done; closed, nobody wants it. One that merges by itself ends by itself, and one in a person's
    hands waits for them.
    """
    workflow = await lock_workflow(connection, adw_id)
    if workflow.status not in UNFINISHED:
        await approvals.expire_pending(connection, adw_id=adw_id)
        return True
    if workflow.held_by is not None or (workflow.status is Status.ACTIVE and workflow.phase == SHIPPING):
        return False
    await halt_leg(connection, enqueuer=enqueuer, workflow=workflow)
    await phases.end_running_phases(connection, adw_id=adw_id, status=PhaseStatus.CANCELLED)
    await approvals.expire_pending(connection, adw_id=adw_id)
    if workflow.pr_state is PrState.CLOSED:
        await transition(connection, adw_id, to=Status.CANCELLED, event=_ended(workflow, EventType.WORKFLOW_CANCELLED))
        return True
    if workflow.status is not Status.ACTIVE:
        await transition(connection, adw_id, to=Status.ACTIVE, event=_ended(workflow, EventType.WORKFLOW_RESUMED))
    await transition(connection, adw_id, to=Status.COMPLETED, event=_ended(workflow, EventType.WORKFLOW_COMPLETED))
    return True


async def tidy_up(access: ProjectAccess, project: Project, workflow: Workflow) -> str | None:
    """Closes the issue of a merged pull request and removes its branch; workspace and ports go with the clean-up.

    Returns a note where a person's copy of the branch stays.
    """
    if workflow.pr_state is not PrState.MERGED:
        return None
    if workflow.issue_number is not None:
        issue = await access.forge(project).get_issue(workflow.issue_number)
        if issue.state == "open":
            await access.forge(project).close_issue(workflow.issue_number)
    await access.forget_work(project, adw_id=workflow.adw_id)
    if workflow.branch_name is None or workflow.head_sha is None:
        return None
    return await access.retire(project, branch=workflow.branch_name, sha=workflow.head_sha)


def _ended(workflow: Workflow, told: EventType) -> NewEvent:
    message = f"pull request #{workflow.pr_number} is {workflow.pr_state}: what was under way is stopped"
    return NewEvent(type=told, message=message, data={"by": "forge", "prState": workflow.pr_state.value})
