"""What people can do to a workflow. Each action is one transaction: row, event, and the engine's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adw.control.legs import halt_leg, start_leg
from adw.control.otherwise import AS_BEFORE, Otherwise
from adw.control.resuming import fail_denied, go_on, is_allowed
from adw.control.tool_edit import check_input
from adw.control.waking import go_on_early, goes_on_by_itself
from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import Phase
from adw.domain.phase import PhaseStatus
from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow
from adw.kit.errors import ConflictError, UsageError, WrongStateError
from adw.ports.engine import Enqueuer
from adw.store import approvals, phases, usage
from adw.store.db import Connection, Database
from adw.store.watches import look_soon
from adw.store.workflows import lock_workflow, transition, update_workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Pause, resume, cancel, retry and decide. Used by every door: API, chat, webhooks, commands."""

    database: Database
    enqueuer: Enqueuer

    async def pause(self, adw_id: str, *, actor: str) -> Workflow:
        """Stops a workflow until somebody resumes it. Pausing a paused one changes nothing."""
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            if workflow.status is Status.PAUSED:
                return workflow
            event = _told(EventType.WORKFLOW_PAUSED, f"paused by {actor}", actor)
            changes = {"paused_from": workflow.status.value, "wait_reason": workflow.wait_reason}
            paused = await transition(connection, adw_id, to=Status.PAUSED, event=event, changes=changes)
            if workflow.status is Status.ACTIVE:
                await halt_leg(connection, enqueuer=self.enqueuer, workflow=workflow)
            return paused

    async def resume(self, adw_id: str, *, actor: str) -> Workflow:
        """Continues a paused workflow where it was; one that waited goes on waiting unless it was answered since.

        An answer given meanwhile counts now: allowed, the workflow goes on; denied, it fails. One that waits for a
        limit or a shared budget tries again at once. Raises WrongStateError when it is not paused and waits for
        nothing of the kind, or a person has taken its worktree over.
        """
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            if workflow.held_by is not None:
                raise WrongStateError(
                    f"{workflow.held_by} has taken over the worktree of workflow {adw_id}",
                    hint=f"hand it back instead: `adw workflow handback {adw_id}`",
                )
            event = _told(EventType.WORKFLOW_RESUMED, f"resumed by {actor}", actor)
            if goes_on_by_itself(workflow):
                return await go_on_early(connection, workflow, enqueuer=self.enqueuer, event=event)
            return await go_on(connection, workflow, enqueuer=self.enqueuer, event=event)

    async def cancel(self, adw_id: str, *, actor: str) -> Workflow:
        """Ends a workflow for good. Its branch and commits stay. Cancelling a cancelled one changes nothing."""
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            if workflow.status is Status.CANCELLED:
                return workflow
            event = _told(EventType.WORKFLOW_CANCELLED, f"cancelled by {actor}", actor)
            cancelled = await transition(connection, adw_id, to=Status.CANCELLED, event=event)
            await phases.end_running_phases(connection, adw_id=adw_id, status=PhaseStatus.CANCELLED)
            await approvals.expire_pending(connection, adw_id=adw_id)
            await halt_leg(connection, enqueuer=self.enqueuer, workflow=workflow)
            return cancelled

    async def retry(self, adw_id: str, *, actor: str, otherwise: Otherwise = AS_BEFORE) -> Workflow:
        """Runs the failed phase again as a new attempt; what was finished before stays finished.

        Raises DuplicateRunError when its issue has another live workflow by now, WrongStateError when it has not
        failed or its pull request is merged or closed; what shipping leaves undone after its merge can be retried.
        """
        async with self.database.begin() as connection:
            workflow = await lock_workflow(connection, adw_id)
            if workflow.pr_state in {PrState.MERGED, PrState.CLOSED} and not _failed_after_merge(workflow):
                raise WrongStateError(
                    f"the pull request of workflow {adw_id} is {workflow.pr_state}",
                    hint="start a new workflow with `adw run`",
                )
            if workflow.status is not Status.FAILED:
                raise WrongStateError(
                    f"workflow {adw_id} is {workflow.status}; only a failed one can be retried",
                    hint=f"see `adw workflow show {adw_id}`",
                )
            data = {"by": actor, **otherwise.told}
            event = NewEvent(type=EventType.WORKFLOW_QUEUED, message=f"retried by {actor}", data=data)
            changes = {"failure": None, "failure_class": None, **otherwise.changes(workflow)}
            await otherwise.say(connection, adw_id, actor=actor)
            return await transition(connection, adw_id, to=Status.QUEUED, event=event, changes=changes)

    async def decide(
        self,
        reference: str,
        *,
        allow: bool,
        actor: str,
        reason: str | None = None,
        budget_usd: Decimal | None = None,
        edited_input: Mapping[str, Any] | None = None,
    ) -> tuple[Approval, Workflow]:
        """Answers an approval; the workflow that waited for it goes on, or fails when it was denied.

        A call of an agent may be allowed with another input, which is all of it.

        Deciding the same way twice is harmless; deciding otherwise the second time is a ConflictError.
        """
        async with self.database.begin() as connection:
            asked = await approvals.find_approval(connection, reference)
            workflow = await lock_workflow(connection, asked.adw_id)
            decision = Decision.ALLOWED if allow else Decision.DENIED
            _check_raise(asked, allow=allow, budget_usd=budget_usd)
            _check_answer(asked, allow=allow, reason=reason)
            check_input(asked, edited_input, allow=allow)
            counted = await approvals.decide(
                connection,
                approval_id=asked.id,
                decision=decision,
                decided_by=actor,
                reason=reason,
                edited_input=edited_input,
            )
            decided = await approvals.get_approval(connection, asked.id)
            if not counted:
                return _already(decided, decision, edited_input), workflow
            if budget_usd is not None:
                await usage.raise_budget(connection, workflow.adw_id, to_usd=budget_usd)
                await update_workflow(
                    connection, workflow.adw_id, changes={"budget_usd": budget_usd}, event=_raised(budget_usd, actor)
                )
            return decided, await self._follow(connection, workflow, decided, actor)

    async def _follow(self, connection: Connection, workflow: Workflow, decided: Approval, actor: str) -> Workflow:
        verb = "allowed" if is_allowed(decided) else "denied"
        data: dict[str, Any] = {
            "approvalId": str(decided.id),
            "kind": decided.kind,
            "decision": decided.decision,
            "by": actor,
        }
        if decided.edited_input is not None:
            data["edited"] = True
        event = NewEvent(type=EventType.APPROVAL_DECIDED, message=f"{decided.kind} {verb} by {actor}", data=data)
        if decided.kind.is_of_agent:  # its agent listens; whatever the workflow waits for is something else
            return await update_workflow(connection, workflow.adw_id, changes={}, event=event)
        if workflow.status is not Status.WAITING:
            await look_soon(connection, workflow.adw_id)
            return await update_workflow(connection, workflow.adw_id, changes={}, event=event)
        if is_allowed(decided):
            resumed = await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=event)
            await start_leg(connection, enqueuer=self.enqueuer, workflow=resumed)
            return resumed
        await update_workflow(connection, workflow.adw_id, changes={"wait_reason": workflow.wait_reason}, event=event)
        return await fail_denied(connection, workflow, decided)


def _failed_after_merge(workflow: Workflow) -> bool:
    """Whether the merge is done and only what follows it is not."""
    failure = workflow.failure
    return workflow.pr_state is PrState.MERGED and failure is not None and failure.phase == Phase.SHIP


def _check_raise(asked: Approval, *, allow: bool, budget_usd: Decimal | None) -> None:
    if asked.kind is ApprovalKind.BUDGET and allow and budget_usd is None:
        raise UsageError("a budget is raised by a new amount", hint="add `--budget USD` with the new total")
    if budget_usd is None:
        return
    if asked.kind is not ApprovalKind.BUDGET or not allow:
        raise UsageError("this decision does not raise a budget", hint="leave `--budget` out")
    if not budget_usd.is_finite():
        raise UsageError(f"{budget_usd} is not an amount of money", hint="name the new total in US dollars")


def _check_answer(asked: Approval, *, allow: bool, reason: str | None) -> None:
    if asked.kind is ApprovalKind.QUESTION and allow and not (reason or "").strip():
        raise UsageError("an agent's question is answered in words", hint='`adw approval answer ID "..."`')


def _already(decided: Approval, wanted: Decision, edited_input: Mapping[str, Any] | None) -> Approval:
    if decided.decision is wanted and decided.edited_input == edited_input:
        return decided
    raise ConflictError(f"this was already {decided.decision} by {decided.decided_by or 'the system'}")


def _raised(budget_usd: Decimal, actor: str) -> NewEvent:
    message = f"budget raised to {budget_usd} USD by {actor}"
    data = {"budgetUsd": str(budget_usd), "by": actor}
    return NewEvent(type=EventType.WORKFLOW_UPDATED, message=message, data=data)


def _told(event_type: EventType, message: str, actor: str) -> NewEvent:
    return NewEvent(type=event_type, message=message, data={"by": actor})
