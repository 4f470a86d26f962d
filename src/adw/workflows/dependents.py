"""Work that waited for other work begins from the base as it is when it starts, with what it waited for in it."""

from __future__ import annotations

from dataclasses import replace

from adw.domain.events import EventType, NewEvent
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.workflows import update_workflow
from adw.workflows.context import PhaseContext, Run


async def from_present_base(run: Run) -> Run:
    """The run with its base pinned anew, in its first leg only; work that waited for nothing keeps the base it has."""
    workflow = run.workflow
    if not workflow.depends_on or workflow.leg != 1 or workflow.forked_from is not None:
        return run
    ctx = PhaseContext(run=run, phase=workflow.phases[0], attempt=1, part="base.")

    async def look() -> JsonValue:
        access, services = run.services.access, run.services
        found = await services.workspaces.resolve_base(access.repository(run.project), base=workflow.base_branch)
        await ctx.check_ownership()
        await access.prepare_remote(run.project, base=workflow.base_branch, sha=found.sha)
        return found.sha

    sha = str(await ctx.step("look", look))

    async def pin(connection: Connection) -> JsonValue:
        message = f"begins from {workflow.base_branch} at {sha[:12]}, with what it waited for"
        event = NewEvent(type=EventType.WORKFLOW_UPDATED, message=message, data={"baseSha": sha})
        changes = {"base_sha": sha}
        await update_workflow(connection, run.adw_id, changes=changes, event=event, owner_epoch=run.epoch)
        return None

    await ctx.transaction("pin", pin)
    return replace(run, workflow=replace(workflow, base_sha=sha))
