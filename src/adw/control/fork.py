"""Branching off: a second workflow for the same work, from the commit before one of the first one's phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adw.control.otherwise import AS_BEFORE, Otherwise
from adw.control.points import check_phase, has_run, point_before, require_finished
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import phase_words
from adw.domain.naming import branch_name, slugify
from adw.domain.phase import PhaseRow
from adw.domain.workflow import NewWorkflow, Workflow
from adw.kit.errors import UsageError
from adw.kit.ids import new_adw_id
from adw.store import usage
from adw.store.accounts import account_of
from adw.store.db import Connection
from adw.store.events import append_event
from adw.store.inheritance import inherit_phases
from adw.store.phases import list_phases
from adw.store.workflows import create_workflow, update_workflow

_KEPT = ("needsContainment", "author", "authorPermission")
"""What stays true of words whoever works on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Where to branch off, and what to do from there on."""

    phase: str
    kind: str
    phases: tuple[str, ...]
    actor: str
    key: str | None = None
    """Repeating an order with the same key gives the workflow it gave before."""
    otherwise: Otherwise = AS_BEFORE


async def write_fork(connection: Connection, source: Workflow, fork: Fork) -> Workflow:
    """Writes the queued workflow with the phases it inherits. Holders of the source's row lock only.

    Raises UsageError for a phase that one of the two does not have, WrongStateError when the source has not done what
    comes before it.
    """
    if fork.phase not in fork.phases:
        raise UsageError(f"{fork.kind} has no phase {fork.phase!r}", hint=f"it has: {', '.join(fork.phases)}")
    rows = await list_phases(connection, source.adw_id)
    if not has_run(rows, fork.phase):
        check_phase(source, fork.phase)
    inherited = require_finished(source, rows, fork.phases[: fork.phases.index(fork.phase)])
    new = await _new(connection, source, fork, commit=point_before(source, rows, fork.phase).commit)
    await create_workflow(connection, new)
    await usage.set_budget(connection, new.adw_id, budget_usd=new.budget_usd)
    attempts = {name: row.attempt for name, row in inherited.items()}
    await inherit_phases(connection, source=source.adw_id, target=new.adw_id, attempts=attempts)
    workflow = await _tell(connection, new, inherited, fork)
    await fork.otherwise.say(connection, new.adw_id, actor=fork.actor)
    told = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        message=f"{fork.actor} branched off {new.adw_id} before {fork.phase}",
        data={"fork": new.adw_id, "fromPhase": fork.phase, "by": fork.actor},
    )
    await append_event(connection, source.adw_id, told)
    return workflow


async def _new(connection: Connection, source: Workflow, fork: Fork, *, commit: str) -> NewWorkflow:
    adw_id = new_adw_id()
    return NewWorkflow(
        adw_id=adw_id,
        project_id=source.project_id,
        workflow_type=fork.kind,
        phases=fork.phases,
        issue_number=source.issue_number,
        issue_title=source.issue_title,
        issue_body=source.issue_body,
        base_branch=source.base_branch,
        base_sha=source.base_sha,
        model_set=fork.otherwise.set_of(source),
        budget_usd=await _remainder(connection, source),
        priority=source.priority,
        options=fork.otherwise.options_of(source),
        trigger={
            "source": "fork",
            "actor": fork.actor,
            "forkedFrom": source.adw_id,
            "fromPhase": fork.phase,
            **{name: source.trigger[name] for name in _KEPT if name in source.trigger},
        },
        idempotency_key=fork.key,
        issue_class=source.issue_class,
        branch_name=_branch(source, adw_id),
        head_sha=commit if commit != source.base_sha else None,
        plan_file=source.plan_file,
        forked_from=source.adw_id,
    )


async def _remainder(connection: Connection, source: Workflow) -> Decimal | None:
    """What is left of the source's budget; the fork asks for more when that is nothing."""
    account = await account_of(connection, source.adw_id)
    if account.budget_usd is None:
        return None
    return max(Decimal(0), account.budget_usd - account.booked_usd)


def _branch(source: Workflow, adw_id: str) -> str | None:
    """The source's branch name with the new id in it; None while the source has no name yet."""
    if source.branch_name is None or source.issue_class is None:
        return None
    if source.adw_id in source.branch_name:
        return source.branch_name.replace(source.adw_id, adw_id)
    slug = slugify(source.issue_title)
    return branch_name(issue_class=source.issue_class, issue_number=source.issue_number, adw_id=adw_id, slug=slug)


async def _tell(connection: Connection, new: NewWorkflow, inherited: Mapping[str, PhaseRow], fork: Fork) -> Workflow:
    names: Sequence[str] = list(inherited)
    from_what = f"{', '.join(names)} of {new.forked_from}" if names else f"nothing of {new.forked_from} but its issue"
    event = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        message=f"inherits {from_what}",
        data={"forkedFrom": new.forked_from, "fromPhase": fork.phase, "inherited": names, "headSha": new.head_sha},
    )
    changes = {"phase": phase_words(names[-1]).done} if names else {}
    workflow = await update_workflow(connection, new.adw_id, changes=changes, event=event)
    queued = NewEvent(type=EventType.WORKFLOW_QUEUED, message=f"queued by {fork.actor}", data={"by": fork.actor})
    await append_event(connection, new.adw_id, queued)
    return workflow
