"""Saving an agent's work: scanned for secrets, committed, pushed, shown. Each part is a step that may run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.kit.errors import ConflictError
from adw.ports.engine import JsonValue
from adw.workflows.adoption import adopt, find_others
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.pull_request import tell_withdrawn, withdraw
from adw.workflows.secrets import find_secrets
from adw.workflows.worktree import Worktree


async def save(ctx: PhaseContext, worktree: Worktree, *, name: str, message: str, since: str) -> str | None:
    """Commits and pushes everything changed since commit `since`; the new head, or None when nothing changed.

    The head has the commits of others in it that were on the branch. Raises PhaseFailed when the change holds what
    looks like a secret: nothing of it is pushed then.
    """

    async def commit() -> JsonValue:
        leaks = find_secrets(await worktree.workspace.diff(base=since))
        if leaks:
            return {"leaks": leaks}
        sha = await worktree.workspace.commit_all(message=_without_trailers(message), since=since)
        return {"sha": sha if sha is not None and sha != since else None}

    made: Mapping[str, Any] = await ctx.step(f"commit.{name}", commit)
    if made.get("leaks"):
        summary = f"the change holds what looks like a secret: {', '.join(made['leaks'])}"
        await ctx.gate(Evidence(gate="secrets", outcome=GateOutcome.FAILED, commit=since, summary=summary))
        raise PhaseFailed(FailureClass.GATE_FAILED, summary)
    if made["sha"] is None:
        return None
    clean = "no credential in the change"
    await ctx.gate(Evidence(gate="secrets", outcome=GateOutcome.PASSED, commit=str(made["sha"]), summary=clean))
    return await push(ctx, worktree, name=name, sha=str(made["sha"]))


async def push(ctx: PhaseContext, worktree: Worktree, *, name: str, sha: str) -> str:
    """Pushes the branch and lets it appear in the person's repository. Returns the new head.

    That is `sha`, or, where others have put commits on the branch meanwhile, what became of both: theirs are never
    overwritten.
    """

    async def send() -> JsonValue:
        withdrawn = await withdraw(ctx)
        recorded = (await ctx.check_ownership()).head_sha
        others = await find_others(ctx, branch=worktree.branch, ours=recorded, also=sha)
        if others is None:
            try:
                await worktree.workspace.push(expected_old=recorded)
            except ConflictError:
                others = await find_others(ctx, branch=worktree.branch, ours=recorded, also=sha)
                if others is None:
                    raise
        if others is not None:
            return {"others": others, "note": None, "withdrawn": withdrawn}
        await ctx.check_ownership()
        note = await ctx.services.access.publish(ctx.run.project, branch=worktree.branch, sha=sha)
        return {"others": None, "note": note, "withdrawn": withdrawn}

    sent: Mapping[str, Any] = await ctx.step(f"push.{name}", send)
    await tell_withdrawn(ctx, sent.get("withdrawn"), name=name)
    if sent["others"] is not None:
        return await adopt(ctx, worktree, name=name, found=sent["others"])
    pushed = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        phase=ctx.phase,
        message=f"pushed {sha[:12]} to {worktree.branch}",
        data={"headSha": sha, "branchName": worktree.branch, "note": sent["note"]},
    )
    await ctx.update(f"head.{name}", changes={"head_sha": sha}, event=pushed)
    return sha


def _without_trailers(message: str) -> str:
    """An agent's commit message, one that cannot smuggle in attributions or be empty."""
    lines = [line.rstrip() for line in message.strip().splitlines()]
    kept = [line for line in lines if not line.lower().startswith(("co-authored-by:", "signed-off-by:"))]
    return "\n".join(kept).strip() or "Change files"
