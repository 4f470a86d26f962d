"""Moving the branch back to an earlier commit: what is given up is kept on the remote first.

Each part may run again: a kept commit is kept, a reset tree is reset, a push that got through is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.orders import OrderKind, settle_orders
from adw.store.workflows import update_workflow
from adw.workflows.context import PhaseContext
from adw.workflows.worktree import Worktree, open_worktree


async def rewind(ctx: PhaseContext, *, branch: str, order: Mapping[str, Any]) -> None:
    """Carries out an order `{to, old, keep: {label: commit}, published}`.

    Raises ConflictError when somebody has pushed to the branch since the order was given.
    """
    worktree = await open_worktree(ctx, branch=branch)

    async def keep() -> JsonValue:
        for label, sha in order["keep"].items():
            await ctx.check_ownership()
            await worktree.workspace.keep(label=label, sha=sha)
        return None

    async def reset() -> JsonValue:
        await worktree.workspace.reset(order["to"])
        # A snapshot of the given-up tree may stand on the same commit: a workspace made anew must not start from it.
        await ctx.check_ownership()
        await worktree.workspace.snapshot(label="rewound")
        return None

    await ctx.step("rewind.keep", keep)
    await ctx.step("rewind.reset", reset)
    note: str | None = await ctx.step("rewind.push", lambda: _push(ctx, worktree, order))
    await _record(ctx, branch=branch, order=order, note=note)


async def _push(ctx: PhaseContext, worktree: Worktree, order: Mapping[str, Any]) -> JsonValue:
    access, project = ctx.services.access, ctx.run.project
    await ctx.check_ownership()
    await worktree.workspace.push(expected_old=order["old"])
    await ctx.check_ownership()
    if order["published"] is not None:
        await access.count_as_published(project, branch=worktree.branch, sha=order["published"])
    await ctx.check_ownership()
    return await access.publish(project, branch=worktree.branch, sha=order["to"])


async def _record(ctx: PhaseContext, *, branch: str, order: Mapping[str, Any], note: str | None) -> None:
    to, kept = str(order["to"]), ", ".join(f"refs/adw/{ctx.adw_id}/{label}" for label in order["keep"])

    async def work(connection: Connection) -> JsonValue:
        await settle_orders(connection, ctx.adw_id, OrderKind.REWIND)
        event = NewEvent(
            type=EventType.WORKFLOW_UPDATED,
            phase=ctx.phase,
            message=f"moved {branch} back to {to[:12]}; what was there is kept as {kept}",
            data={"headSha": to, "branchName": branch, "kept": dict(order["keep"]), "note": note},
        )
        await update_workflow(
            connection,
            ctx.adw_id,
            changes={"head_sha": to, "rewind_to": None},
            event=event,
            owner_epoch=ctx.run.epoch,
        )
        return None

    await ctx.transaction("rewind.done", work)
