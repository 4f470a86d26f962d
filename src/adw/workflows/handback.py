"""Taking over what a person did in the worktree: their commits as they are, what they left uncommitted as theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.events import append_event
from adw.store.orders import OrderKind, settle_orders
from adw.workflows.adoption import Adopted, record_adoption
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.saving import push
from adw.workflows.secrets import find_secrets
from adw.workflows.worktree import Worktree, open_worktree


async def take_back(ctx: PhaseContext, *, branch: str, head: str, order: Mapping[str, Any]) -> None:
    """Carries out an order `{by, message}`: commits, pushes, and voids what was verified on older commits.

    Raises PhaseFailed when the change holds what looks like a secret: nothing of it is pushed then.
    """
    worktree = await open_worktree(ctx, branch=branch)

    async def commit() -> JsonValue:
        return await _commit(worktree, head=head, order=order)

    made: Mapping[str, Any] = await ctx.step("handback.commit", commit)
    if made["leaks"]:
        leaks = ", ".join(made["leaks"])
        raise PhaseFailed(
            FailureClass.GATE_FAILED, f"what {order['by']} handed back holds what looks like a secret: {leaks}"
        )
    if made["sha"] is None:
        await _settle(ctx, message=f"{order['by']} handed the worktree back unchanged")
        return
    pushed = await push(ctx, worktree, name="handback", sha=str(made["sha"]))
    await record_adoption(ctx, Adopted(head=pushed, before=head, by=str(order["by"]), branch=branch), name="handback")
    files = made["files"]
    await _settle(ctx, message=f"took over what {order['by']} did in the worktree: {files} file{'s' * (files != 1)}")


async def _commit(worktree: Worktree, *, head: str, order: Mapping[str, Any]) -> JsonValue:
    workspace = worktree.workspace
    leaks = find_secrets(await workspace.diff(base=head))
    if leaks:
        return {"leaks": leaks, "sha": None, "files": 0}
    changed = await workspace.changed_files(since=head)
    subject = str(order["message"] or f"Take over changes of {order['by']}")
    message = f"{subject}\n\nLeft uncommitted in the worktree by {order['by']}, committed when it was handed back."
    sha = await workspace.commit_all(message=message, since=head, keep_commits=True)
    return {"leaks": [], "sha": sha, "files": len(changed)}


async def _settle(ctx: PhaseContext, *, message: str) -> None:
    async def work(connection: Connection) -> JsonValue:
        await settle_orders(connection, ctx.adw_id, OrderKind.HANDBACK)
        event = NewEvent(type=EventType.WORKFLOW_UPDATED, phase=ctx.phase, message=message)
        await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
        return None

    await ctx.transaction("handback.done", work)
