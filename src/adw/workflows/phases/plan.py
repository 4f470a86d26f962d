"""Plan: name the work, prepare its workspace, learn how the base behaves, write the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role, ToolPolicy
from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.kinds import SHORT_PLANS, Phase
from adw.domain.naming import MIN_PLAN_CHARS, branch_name, plan_path, slugify, title_of
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.status import WaitReason
from adw.ports.engine import JsonValue
from adw.workflows.baseline import ensure_baseline
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import NO_TOOLS, READ_ONLY, Conversation, converse
from adw.workflows.endings import PhaseFailed, Question
from adw.workflows.facts import Naming, recall_naming, require_plan
from adw.workflows.pull_request import ensure_pull_request
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree, set_up

_CLASSES = frozenset({"feature", "bug", "chore", "patch"})


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves a branch with one commit, the plan, and the base's test results in the books."""
    naming = await _name(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    baseline = asyncio.create_task(ensure_baseline(ctx, worktree))
    try:
        plan = await _write_plan(ctx, worktree, naming)
        counts = await ctx.step("baseline", lambda: _counts(baseline))
    finally:
        baseline.cancel()
        await asyncio.gather(baseline, return_exceptions=True)
    head = await _save_plan(ctx, worktree, naming)
    if _shows_plan(ctx):
        await ensure_pull_request(ctx, branch=naming.branch, title=naming.title, body=plan)
    await _approve(ctx, naming)
    return {"head": head, "planFile": naming.plan_file, "tests": counts}


async def _name(ctx: PhaseContext) -> Naming:
    """Classifies once; whatever runs later finds class, branch and title as they were first given."""
    known = await recall_naming(ctx)
    if known is not None and known.plan_file is not None:
        return known
    scratch = ctx.services.work_dir / ctx.adw_id / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    answer = await converse(
        ctx,
        Conversation(
            role=Role.CLASSIFIER,
            prompt=ctx.services.prompts.classify(issue=ctx.run.issue),
            policy=NO_TOOLS,
            cwd=scratch,
        ),
    )
    naming = _naming(ctx, answer["structured"])
    named = NewEvent(
        type=EventType.WORKFLOW_UPDATED,
        phase=ctx.phase,
        message=f"{naming.issue_class}: {naming.title}",
        data={"issueClass": naming.issue_class, "branchName": naming.branch, "planFile": naming.plan_file},
    )
    changes = {"issue_class": naming.issue_class, "branch_name": naming.branch, "plan_file": naming.plan_file}
    await ctx.update("named", changes=changes, event=named)
    return naming


def _naming(ctx: PhaseContext, answer: Mapping[str, Any]) -> Naming:
    issue_class = str(answer.get("issue_class", "")).strip().lower()
    if issue_class not in _CLASSES:
        raise PhaseFailed(FailureClass.AGENT_ERROR, f"the classifier answered an unknown class {issue_class!r}")
    workflow = ctx.run.workflow
    title = title_of(str(answer.get("title") or "")) or title_of(workflow.issue_title)
    slug = slugify(str(answer.get("slug") or ""), fallback=slugify(title))
    number = workflow.issue_number
    return Naming(
        issue_class=issue_class,
        title=title,
        branch=branch_name(issue_class=issue_class, issue_number=number, adw_id=ctx.adw_id, slug=slug),
        plan_file=plan_path(issue_number=number, adw_id=ctx.adw_id, slug=slug),
    )


async def _write_plan(ctx: PhaseContext, worktree: Worktree, naming: Naming) -> str:
    """The plan's text, checked: it is there, says something, and nothing else was touched."""
    base, plan_file = ctx.run.workflow.base_sha, require_plan(ctx, naming)
    await converse(
        ctx,
        Conversation(
            role=Role.PLANNER,
            prompt=ctx.services.prompts.plan(
                issue=ctx.run.issue,
                issue_class=naming.issue_class,
                plan_path=plan_file,
                short=ctx.run.workflow.workflow_type in SHORT_PLANS,
            ),
            policy=ToolPolicy(
                tools=(*READ_ONLY.tools, "Write", "Edit"),
                allowed=(*READ_ONLY.allowed, "Write", "Edit"),
                writable=(plan_file,),
            ),
            cwd=worktree.path,
            env=worktree.tool_environment,
            workspace=worktree.workspace,
            start_commit=base,
        ),
    )

    async def look() -> JsonValue:
        file = worktree.path / plan_file
        text = file.read_text("utf-8", "replace") if file.is_file() and not file.is_symlink() else ""
        changed = [change.path for change in await worktree.workspace.changed_files(since=base)]
        return {"text": text, "others": [path for path in changed if path != naming.plan_file]}

    seen: Mapping[str, Any] = await ctx.step("look_at_plan", look)
    await _check_plan(ctx, naming, text=str(seen["text"]), others=seen["others"], commit=base)
    return str(seen["text"])


async def _check_plan(ctx: PhaseContext, naming: Naming, *, text: str, others: list[str], commit: str) -> None:
    problem = None
    if not text.strip():
        problem = f"the planner did not write {naming.plan_file}"
    elif len(text.strip()) < MIN_PLAN_CHARS:
        problem = f"the plan has only {len(text.strip())} characters"
    elif others:
        problem = f"the planner changed other files: {', '.join(others[:5])}"
    outcome = GateOutcome.FAILED if problem else GateOutcome.PASSED
    summary = problem or f"{naming.plan_file}, {len(text.splitlines())} lines"
    await ctx.gate(Evidence(gate="plan", outcome=outcome, commit=commit, summary=summary))
    if problem:
        raise PhaseFailed(FailureClass.AGENT_ERROR, problem)


async def _save_plan(ctx: PhaseContext, worktree: Worktree, naming: Naming) -> str:
    base = ctx.run.workflow.base_sha
    head = await save(ctx, worktree, name="plan", message=f"plan: {naming.title}", since=base)
    if head is None:
        raise PhaseFailed(
            FailureClass.AGENT_ERROR, f"{naming.plan_file} is ignored by the repository, so it cannot be kept"
        )
    return head


async def _approve(ctx: PhaseContext, naming: Naming) -> None:
    wanted = ctx.run.workflow.options.plan_approval
    if not (ctx.run.config.gates.plan_approval if wanted is None else wanted):
        return
    question = Question(
        kind=ApprovalKind.PLAN,
        key="plan",
        text=f"is the plan {naming.plan_file} on branch {naming.branch} right?",
        reason=WaitReason.APPROVAL,
        data={"planFile": naming.plan_file, "branchName": naming.branch},
    )
    await ctx.require(question)


def _shows_plan(ctx: PhaseContext) -> bool:
    """Whether the draft opens already now: nothing is built in this kind, or a person wants to read the plan."""
    wanted = ctx.run.workflow.options.plan_approval
    asks = ctx.run.config.gates.plan_approval if wanted is None else wanted
    return asks or Phase.BUILD.value not in ctx.run.workflow.phases


async def _counts(baseline: asyncio.Task[Mapping[str, Any]]) -> JsonValue:
    return (await baseline).get("counts")
