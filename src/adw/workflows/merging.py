"""Merging without a person: exactly the proven commit, believed only when seen on the base, tidied up afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.forge import HeadMoved, MergeConflict, Merged, MergeMethod, MergeOutcome, NotMergeable
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.status import PrState
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.leases import release_ports
from adw.store.workflows import require_workflow, update_workflow
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.pull_request import merge_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The commit on the base branch, and what is left to a person, if anything."""

    sha: str
    note: str | None


async def merge(ctx: PhaseContext, *, number: int, head: str, method: MergeMethod = "squash") -> Done:
    """Brings the pull request onto its base, sees it there, and closes the issue.

    Raises PhaseFailed when it could not be merged, or was said to be merged but is not on the base.
    """

    async def do() -> JsonValue:
        forge = ctx.run.forge
        pull = await forge.get_pull_request(number)
        await ctx.check_ownership()
        outcome = await forge.merge_pull_request(
            number, expected_head_sha=head, message=merge_message(pull), method=method
        )
        return _as_json(outcome)

    done: Mapping[str, Any] = await ctx.step("merge", do)
    if done.get("refused"):
        await ctx.gate(_evidence(GateOutcome.FAILED, head, str(done["refused"])))
        raise PhaseFailed(FailureClass(done["class"]), str(done["refused"]))
    sha = str(done["sha"])
    await _verify(ctx, sha)
    await _tell(ctx, number=number, sha=sha)
    return Done(sha=sha, note=done.get("note"))


async def retire(ctx: PhaseContext, *, branch: str, head: str) -> None:
    """Closes the issue, removes branch and workspace, and gives the ports back. What was merged needs none of them."""

    async def close_issue() -> JsonValue:
        number = ctx.run.workflow.issue_number
        if number is not None:
            await ctx.check_ownership()
            await ctx.run.forge.close_issue(number)
        return None

    async def remove_branch() -> JsonValue:
        await ctx.check_ownership()
        return await ctx.services.access.retire(ctx.run.project, branch=branch, sha=head)

    async def remove_workspace() -> JsonValue:
        await ctx.check_ownership()
        await ctx.services.workspaces.forget(ctx.spec(branch))
        return None

    await ctx.step("close_issue", close_issue)
    note: str | None = await ctx.step("remove_branch", remove_branch)
    await ctx.step("remove_workspace", remove_workspace)
    await _tell_removed(ctx, note)


async def _verify(ctx: PhaseContext, sha: str) -> None:
    """Looks for the commit on the base, again and again for a while: a forge may show old news after a merge."""
    base = ctx.run.workflow.base_branch

    async def look() -> JsonValue:
        for pause_s in (*ctx.services.merge_look_delays_s, None):
            if await ctx.run.forge.find_merge_on_base(sha=sha, base=base):
                return True
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return False

    if await ctx.step("verify_merge", look):
        await ctx.gate(_evidence(GateOutcome.PASSED, sha, f"{sha[:12]} is on {base}"))
        return
    summary = f"the forge says it merged as {sha[:12]}, but {base} does not have that commit"
    await ctx.gate(_evidence(GateOutcome.FAILED, sha, summary))
    raise PhaseFailed(FailureClass.FORGE, summary)


async def _tell(ctx: PhaseContext, *, number: int, sha: str) -> None:
    event = NewEvent(
        type=EventType.PULL_REQUEST_MERGED,
        phase=ctx.phase,
        message=f"pull request #{number} is merged as {sha[:12]}",
        data={"number": number, "state": PrState.MERGED, "sha": sha},
    )
    await ctx.update("merged", changes={"pr_state": PrState.MERGED.value, "merge_sha": sha}, event=event)


async def _tell_removed(ctx: PhaseContext, note: str | None) -> None:
    async def work(connection: Connection) -> JsonValue:
        await release_ports(connection, adw_id=ctx.adw_id)
        workflow = await require_workflow(connection, ctx.adw_id)
        if not workflow.worktree_exists:
            return None
        event = NewEvent(
            type=EventType.WORKFLOW_UPDATED,
            phase=ctx.phase,
            message="workspace and branch removed: the work is merged",
            data={"worktreeExists": False, "backendPort": None, "frontendPort": None, "note": note},
        )
        changes = {"worktree_exists": False, "backend_port": None, "frontend_port": None}
        await update_workflow(connection, ctx.adw_id, changes=changes, event=event, owner_epoch=ctx.run.epoch)
        return None

    await ctx.transaction("removed", work)


def _as_json(outcome: MergeOutcome) -> JsonValue:
    match outcome:
        case Merged(sha=sha, note=note):
            return {"sha": sha, "note": note}
        case MergeConflict(files=files):
            refused = f"it conflicts with its base in {', '.join(files)}"
        case HeadMoved(expected_sha=expected, actual_sha=actual):
            refused = f"its branch is at {(actual or 'no commit')[:12]}, not at the proven {expected[:12]}"
        case NotMergeable(reason=reason):
            return {"refused": reason, "class": FailureClass.FORGE.value}
    return {"refused": refused, "class": FailureClass.CONFLICT.value}


def _evidence(outcome: GateOutcome, commit: str, summary: str) -> Evidence:
    return Evidence(gate="merge", outcome=outcome, commit=commit, summary=summary)
