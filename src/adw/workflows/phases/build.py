"""Build: carry out the plan, save it, open the draft, and see that nothing is broken that was whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.ports.engine import JsonValue
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.endings import PhaseFailed
from adw.workflows.facts import Naming, recall_head, require_naming
from adw.workflows.project_checks import broken_checks, listed
from adw.workflows.pull_request import ensure_pull_request
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree, set_up

MAX_REPAIRS = 2


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves the change committed and pushed, a draft pull request, and build and lint no worse than on the base."""
    naming = await require_naming(ctx)
    start = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    answer = await _implement(ctx, worktree, naming, start)
    head = await _save(ctx, worktree, naming, answer, name="build", since=start)
    head = head or start  # a person may have done the work already; what there is, is judged next
    await _check_diff(ctx, worktree, naming, head)
    await ensure_pull_request(
        ctx,
        branch=naming.branch,
        title=str(answer.get("pull_request_title") or naming.title),
        body=str(answer.get("pull_request_body") or answer.get("summary") or ""),
    )
    head = await _make_checks_pass(ctx, worktree, naming, head)
    return {"head": head, "summary": str(answer.get("summary") or "")}


async def _implement(ctx: PhaseContext, worktree: Worktree, naming: Naming, start: str) -> Mapping[str, Any]:
    async def read_plan() -> JsonValue:
        if naming.plan_file is None:
            return None
        content = await worktree.workspace.read_committed(path=naming.plan_file, ref=start)
        return None if content is None else content.decode("utf-8", "replace")

    plan: str | None = await ctx.step("read_plan", read_plan)
    commands = [
        each.shown for each in (worktree.commands.test, worktree.commands.build, worktree.commands.lint) if each
    ]
    prompt = ctx.services.prompts.implement(
        issue=ctx.run.issue,
        plan_path=naming.plan_file if plan is not None else None,
        plan_text=plan or "",
        commands=commands,
    )
    return await edit(ctx, worktree, role=Role.IMPLEMENTOR, prompt=prompt, start_commit=start)


async def _save(
    ctx: PhaseContext, worktree: Worktree, naming: Naming, answer: Mapping[str, Any], *, name: str, since: str
) -> str | None:
    message = str(answer.get("commit_message") or f"{naming.issue_class}: {naming.title}")
    return await save(ctx, worktree, name=name, message=message, since=since)


async def _fail_empty(ctx: PhaseContext, commit: str) -> None:
    summary = "the implementor changed nothing"
    await ctx.gate(Evidence(gate="diff", outcome=GateOutcome.FAILED, commit=commit, summary=summary))
    raise PhaseFailed(FailureClass.AGENT_ERROR, summary)


async def _check_diff(ctx: PhaseContext, worktree: Worktree, naming: Naming, head: str) -> None:
    """The branch must hold more than the plan, seen from the base."""

    async def look() -> JsonValue:
        base = ctx.run.workflow.base_sha
        changed = await worktree.workspace.changed_files(since=base, until=head)
        stat = await worktree.workspace.diff_stat(base=base, head=head)
        beyond = [each.path for each in changed if each.path != naming.plan_file]
        return {"files": len(beyond), "additions": stat.additions, "deletions": stat.deletions}

    seen: Mapping[str, Any] = await ctx.step("look_at_diff", look)
    if not seen["files"]:
        await _fail_empty(ctx, head)
    files = "1 file" if seen["files"] == 1 else f"{seen['files']} files"
    summary = f"{files} beside the plan, +{seen['additions']} -{seen['deletions']} lines in all"
    await ctx.gate(Evidence(gate="diff", outcome=GateOutcome.PASSED, commit=head, summary=summary))


async def _make_checks_pass(ctx: PhaseContext, worktree: Worktree, naming: Naming, head: str) -> str:
    """Builds and lints; what the base did not complain about is given back to the implementor, a few times."""
    for number in range(MAX_REPAIRS + 1):
        broken = await broken_checks(ctx, worktree, head, number)
        if not broken:
            return head
        command, errors = broken[0]
        if number == MAX_REPAIRS or not ctx.run.workflow.options.auto_resolve:
            raise PhaseFailed(FailureClass.GATE_FAILED, f"`{command}` has new errors: {listed(errors)}")
        prompt = ctx.services.prompts.repair(issue=ctx.run.issue, command=command, errors=errors)
        answer = await edit(
            ctx, worktree, role=Role.IMPLEMENTOR, prompt=prompt, start_commit=head, round_number=number + 1
        )
        repaired = await _save(ctx, worktree, naming, answer, name=f"repair.{number + 1}", since=head)
        if repaired is None:
            raise PhaseFailed(FailureClass.GATE_FAILED, f"`{command}` has new errors left alone: {listed(errors)}")
        head = repaired
    return head
