"""Bringing a branch up to date with its base: a merge, never a rewrite, for others may have built on what is there.

Where both sides changed the same lines an agent settles it in the worktree; marks that remain become one question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role
from adw.domain.approval import ApprovalKind
from adw.domain.failure import FailureClass
from adw.domain.status import WaitReason
from adw.ports.engine import JsonValue
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.endings import PhaseFailed, Question
from adw.workflows.saving import push
from adw.workflows.secrets import find_secrets
from adw.workflows.worktree import Worktree

_ROUND = 1
_MARKS = (b"<<<<<<< ", b">>>>>>> ")


async def bring_up_to_date(ctx: PhaseContext, worktree: Worktree, *, head: str, base: str) -> str:
    """Merges commit `base` into the branch, pushes that, and returns the new head.

    Asks a person and ends the leg when conflicts remain; the next leg tries again. Raises PhaseFailed when the result
    holds what looks like a secret.
    """
    branch = ctx.run.workflow.base_branch
    message = f"Merge {branch} into {worktree.branch}"

    async def merge() -> JsonValue:
        made = await worktree.workspace.merge(onto=head, commit=base, message=message)
        return {"head": made.head, "conflicts": list(made.conflicts)}

    made: Mapping[str, Any] = await ctx.step("merge_base", merge)
    if made["head"] == head:
        return head
    if not made["conflicts"]:
        return await push(ctx, worktree, name="base", sha=str(made["head"]))
    return await _settle(ctx, worktree, made, head=head, base=base)


async def _settle(ctx: PhaseContext, worktree: Worktree, made: Mapping[str, Any], *, head: str, base: str) -> str:
    branch, files = ctx.run.workflow.base_branch, [str(path) for path in made["conflicts"]]
    prompt = ctx.services.prompts.join(issue=ctx.run.issue, files=files, base=branch)
    answer = await edit(
        ctx, worktree, role=Role.RESOLVER, prompt=prompt, start_commit=str(made["head"]), round_number=_ROUND
    )
    message = str(answer.get("commit_message") or f"Merge {branch} and settle its conflicts")

    async def join() -> JsonValue:
        leaks = find_secrets(await worktree.workspace.diff(base=base))
        if leaks:
            return {"leaks": leaks, "left": [], "sha": None}
        sha = await worktree.workspace.rejoin(parents=(head, base), message=message)
        left = [path for path in files if await _is_marked(worktree, path, sha)]
        return {"leaks": [], "left": left, "sha": sha}

    joined: Mapping[str, Any] = await ctx.step("joined", join)
    if joined["leaks"]:
        leaks = ", ".join(joined["leaks"])
        raise PhaseFailed(FailureClass.GATE_FAILED, f"the change holds what looks like a secret: {leaks}")
    if joined["left"]:
        await ctx.require(_question(ctx, worktree, base=base, files=joined["left"]))
    return await push(ctx, worktree, name="base", sha=str(joined["sha"]))


async def _is_marked(worktree: Worktree, path: str, sha: str) -> bool:
    content = await worktree.workspace.read_committed(path=path, ref=sha) or b""
    return any(line.startswith(_MARKS) for line in content.splitlines())


def _question(ctx: PhaseContext, worktree: Worktree, *, base: str, files: list[str]) -> Question:
    """One for each leg: allowed, the next leg tries again, and asks again if nothing has changed."""
    branch, listed = ctx.run.workflow.base_branch, ", ".join(files)
    return Question(
        kind=ApprovalKind.CONFLICT,
        key=f"base:{ctx.run.leg.run_id}",
        text=(
            f"{branch} has moved to {base[:12]}, and its changes and those on {worktree.branch} conflict in {listed}. "
            f"Solve it in the worktree (`adw workflow takeover {ctx.adw_id}`, then `git merge {base[:12]}`, then hand "
            "it back) or allow another try?"
        ),
        reason=WaitReason.QUESTION,
        data={"files": files, "commit": base, "branchName": worktree.branch},
    )
