"""Commits of others on our branch: never overwritten. They become part of it, and what verifies runs again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import VERIFYING
from adw.domain.status import WaitReason
from adw.kit.errors import ConflictError
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.orders import OrderKind, place_order
from adw.store.phases import supersede_phases
from adw.store.workflows import lock_workflow, update_workflow
from adw.workflows.context import PhaseContext
from adw.workflows.endings import Question
from adw.workflows.pull_request import tell_withdrawn, withdraw
from adw.workflows.worktree import Worktree, open_worktree

MAX_ROUNDS = 5
"""How often others may push while we take in what they pushed before."""

_MESSAGE = "Put the workflow's own changes on top of the commits of others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The branch as it is with the work of others in it. `by` is who did it, if that is known."""

    head: str
    before: str | None
    branch: str
    foreign: tuple[str, ...] = ()
    by: str | None = None
    note: str | None = None


async def find_others(ctx: PhaseContext, *, branch: str, ours: str | None, also: str | None = None) -> JsonValue:
    """Where others took the branch, the remote first: `{sha, onRemote}`. `also` is a commit of ours as well."""
    if ours is None:
        return None
    tips = await ctx.services.access.foreign_tips(ctx.run.project, branch=branch, ours=ours)
    found = next((tip for tip in tips if tip.sha != also), None)
    return None if found is None else {"sha": found.sha, "onRemote": found.on_remote}


async def look_for_others(ctx: PhaseContext) -> bool:
    """Takes in what others have put on the branch since our last push. Tells whether there was anything."""

    async def look() -> JsonValue:
        workflow = await ctx.check_ownership()
        branch = workflow.branch_name
        if branch is None:
            return None
        found = await find_others(ctx, branch=branch, ours=workflow.head_sha)
        return None if found is None else {"branch": branch, "found": found}

    seen: Mapping[str, Any] | None = await ctx.step("others", look)
    if seen is None:
        return False
    worktree = await open_worktree(ctx, branch=str(seen["branch"]))
    await adopt(ctx, worktree, name="others", found=seen["found"])
    return True


async def adopt(ctx: PhaseContext, worktree: Worktree, *, name: str, found: Mapping[str, Any]) -> str:
    """Makes the commits of others part of the branch, our unpushed work on top, and returns the new head.

    Asks a person and ends the leg when both sides changed the same lines; the next leg tries again.
    """
    for number in range(MAX_ROUNDS):
        part = f"adopt.{name}.{number}"
        made: Mapping[str, Any] = await ctx.step(part, lambda theirs=found: _take_in(ctx, worktree, theirs))
        if made["conflicts"]:
            await ctx.require(_question(ctx, worktree, theirs=str(found["sha"]), files=made["conflicts"]))
        sent: Mapping[str, Any] = await ctx.step(f"{part}.push", lambda made=made: _send(ctx, worktree, made))
        await tell_withdrawn(ctx, sent.get("withdrawn"), name=part)
        if sent["others"] is None:
            adopted = Adopted(
                head=str(made["head"]),
                before=made["before"],
                branch=worktree.branch,
                foreign=tuple(made["foreign"]),
                note=sent["note"],
            )
            await record_adoption(ctx, adopted, name=part)
            return adopted.head
        found = sent["others"]
    raise ConflictError(
        f"others push to {worktree.branch} faster than their commits can be taken in",
        hint=f"retry when it is quiet: adw workflow retry {ctx.adw_id}",
    )


async def record_adoption(ctx: PhaseContext, adopted: Adopted, *, name: str) -> None:
    """The new head, in one transaction with the end of what was verified on older ones."""

    async def work(connection: Connection) -> JsonValue:
        workflow = await lock_workflow(connection, ctx.adw_id)
        verified = [phase for phase in workflow.phases if phase in VERIFYING]
        await supersede_phases(connection, adw_id=ctx.adw_id, names=verified)
        data = {"head": adopted.head, "before": adopted.before, "foreign": list(adopted.foreign), "by": adopted.by}
        await place_order(connection, adw_id=ctx.adw_id, kind=OrderKind.ADOPTION, data=data, settled=True)
        event = NewEvent(
            type=EventType.WORKFLOW_UPDATED,
            phase=ctx.phase,
            message=f"{_told(adopted)}; results of older commits count no more",
            data={"headSha": adopted.head, "branchName": adopted.branch, "adopted": data, "note": adopted.note},
        )
        changes = {"head_sha": adopted.head}
        await update_workflow(connection, ctx.adw_id, changes=changes, event=event, owner_epoch=ctx.run.epoch)
        return None

    await ctx.transaction(f"{name}.adopted", work)


async def _take_in(ctx: PhaseContext, worktree: Worktree, found: Mapping[str, Any]) -> JsonValue:
    workspace, recorded = worktree.workspace, (await ctx.check_ownership()).head_sha
    theirs, expected = str(found["sha"]), recorded
    if found["onRemote"]:
        theirs = expected = await workspace.remote_head() or theirs
    adoption = await workspace.adopt_remote(message=_MESSAGE, commit=theirs)
    return {
        "head": adoption.head,
        "before": recorded,
        "expected": expected,
        "foreign": list(adoption.foreign),
        "conflicts": list(adoption.conflicts),
    }


async def _send(ctx: PhaseContext, worktree: Worktree, made: Mapping[str, Any]) -> JsonValue:
    withdrawn = await withdraw(ctx)
    await ctx.check_ownership()
    try:
        await worktree.workspace.push(expected_old=made["expected"])
    except ConflictError:
        others = await find_others(ctx, branch=worktree.branch, ours=made["expected"], also=made["head"])
        if others is None:
            raise
        return {"others": others, "note": None, "withdrawn": withdrawn}
    access, head = ctx.services.access, str(made["head"])
    await ctx.check_ownership()
    note = await access.publish(ctx.run.project, branch=worktree.branch, sha=head)
    return {"others": None, "note": note, "withdrawn": withdrawn}


def _question(ctx: PhaseContext, worktree: Worktree, *, theirs: str, files: list[str]) -> Question:
    """One for each leg: allowed, the next leg tries again, and asks again if nothing has changed."""
    listed = ", ".join(files)
    return Question(
        kind=ApprovalKind.CONFLICT,
        key=f"conflict:{ctx.run.leg.run_id}",
        text=(
            f"commit {theirs[:12]}, which somebody else put on {worktree.branch}, and the workflow's own work change "
            f"the same lines of {listed}. Solve it in the worktree (`adw workflow takeover {ctx.adw_id}`, then "
            f"`git merge {theirs[:12]}`, then hand it back), or change that commit and allow another try?"
        ),
        reason=WaitReason.QUESTION,
        data={"files": files, "commit": theirs, "branchName": worktree.branch},
    )


def _told(adopted: Adopted) -> str:
    if adopted.by is not None:
        return f"{adopted.branch} is at {adopted.head[:12]} with the work of {adopted.by}"
    count = len(adopted.foreign)
    commits = "commits" if count != 1 else "commit"
    return f"{adopted.branch} is at {adopted.head[:12]} with {count or 'the'} {commits} of others"
