"""The beginning and end of phases, and the end of a workflow: each a transaction of row, event and step record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import POLICIES, Failure
from adw.domain.kinds import phase_words
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.ports.engine import JsonValue
from adw.store import phases
from adw.store.approvals import expire_pending
from adw.store.db import Connection
from adw.store.events import append_event
from adw.store.kpis import record_kpi
from adw.store.rows import failure_to
from adw.store.watches import look_soon
from adw.store.workflows import require_workflow, transition, update_workflow
from adw.workflows.context import PhaseContext, Run
from adw.workflows.kpis import measure


async def start_phase(ctx: PhaseContext) -> None:
    async def work(connection: Connection) -> JsonValue:
        workflow = await require_workflow(connection, ctx.adw_id)
        await phases.start_phase(
            connection, adw_id=ctx.adw_id, phase=ctx.phase, attempt=ctx.attempt, commit_before=workflow.head_sha
        )
        event = NewEvent(
            type=EventType.PHASE_STARTED,
            phase=ctx.phase,
            message=f"{ctx.phase} started" + (f", attempt {ctx.attempt}" if ctx.attempt > 1 else ""),
            data={"attempt": ctx.attempt},
        )
        await update_workflow(
            connection,
            ctx.adw_id,
            changes={"phase": phase_words(ctx.phase).running},
            event=event,
            owner_epoch=ctx.run.epoch,
        )
        return None

    await ctx.transaction("start", work)


async def complete_phase(ctx: PhaseContext, data: Mapping[str, Any]) -> None:
    async def work(connection: Connection) -> JsonValue:
        workflow = await require_workflow(connection, ctx.adw_id)
        await phases.end_phase(
            connection,
            adw_id=ctx.adw_id,
            phase=ctx.phase,
            attempt=ctx.attempt,
            status=PhaseStatus.COMPLETED,
            commit_after=workflow.head_sha,
            data=data,
            summarize=ctx.run.config.summaries.phases,
        )
        await expire_pending(connection, adw_id=ctx.adw_id, of_agents=True)
        event = NewEvent(
            type=EventType.PHASE_COMPLETED,
            phase=ctx.phase,
            message=f"{ctx.phase} completed",
            data={"attempt": ctx.attempt, "commit": workflow.head_sha},
        )
        await update_workflow(
            connection,
            ctx.adw_id,
            changes={"phase": phase_words(ctx.phase).done},
            event=event,
            owner_epoch=ctx.run.epoch,
        )
        return None

    await ctx.transaction("completed", work)


async def fail_phase(ctx: PhaseContext, failure: Failure) -> None:
    """Records that the attempt failed; the phase column never shows its done form."""

    async def work(connection: Connection) -> JsonValue:
        await phases.end_phase(
            connection,
            adw_id=ctx.adw_id,
            phase=ctx.phase,
            attempt=ctx.attempt,
            status=PhaseStatus.FAILED,
            failure=failure,
            summarize=ctx.run.config.summaries.phases,
        )
        await expire_pending(connection, adw_id=ctx.adw_id, of_agents=True)
        data = {"attempt": ctx.attempt, **failure_to(failure)}
        event = NewEvent(type=EventType.PHASE_FAILED, phase=ctx.phase, message=failure.message, data=data)
        await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
        return None

    await ctx.transaction("failed", work)


async def fail_workflow(run: Run, failure: Failure, *, name: str) -> None:
    sizes = await measure(run, name=f"{name}.sizes")

    async def work(connection: Connection) -> JsonValue:
        data = {
            **failure_to(failure),
            "advice": POLICIES[failure.failure_class].advice,
            "nextActions": list(failure.next_actions(run.adw_id)),
        }
        await expire_pending(connection, adw_id=run.adw_id, of_agents=True)
        event = NewEvent(type=EventType.WORKFLOW_FAILED, phase=failure.phase, message=failure.message, data=data)
        changes = {"failure": failure_to(failure), "failure_class": failure.failure_class.value}
        await transition(connection, run.adw_id, to=Status.FAILED, event=event, changes=changes, owner_epoch=run.epoch)
        await record_kpi(connection, run.adw_id, sizes=sizes, succeeded=False)
        return None

    await run.leg.transaction(name, work)


async def complete_workflow(run: Run) -> None:
    sizes = await measure(run, name="complete.sizes")

    async def work(connection: Connection) -> JsonValue:
        await expire_pending(connection, adw_id=run.adw_id, of_agents=True)
        event = NewEvent(type=EventType.WORKFLOW_COMPLETED, message="all phases are done")
        await transition(connection, run.adw_id, to=Status.COMPLETED, event=event, owner_epoch=run.epoch)
        await record_kpi(connection, run.adw_id, sizes=sizes, succeeded=True)
        # What came up on the pull request while phases were at work has not been looked at yet.
        await look_soon(connection, run.adw_id)
        return None

    await run.leg.transaction("complete", work)
