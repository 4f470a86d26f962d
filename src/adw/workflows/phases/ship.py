"""Ship: the head commit is proven, the pull request made ready, and where that is wanted and allowed, merged.

No agent takes part. `sdlc` ends with a ready pull request; only `zte` merges, and believes it when the commit is seen
on the base branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.failure import FailureClass
from adw.domain.kinds import MERGING, Phase
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.status import PrState, WaitReason
from adw.ports.engine import JsonValue
from adw.store.phases import list_evidence, list_phases
from adw.store.workflows import require_workflow
from adw.workflows.comments import announce_merged, announce_ready, evidence_table
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed, Question
from adw.workflows.facts import recall_head, require_naming
from adw.workflows.feedback_merge import merge_terms
from adw.workflows.merging import merge, retire
from adw.workflows.proof import prove_head
from adw.workflows.pull_request import ensure_pull_request, finish_pull_request
from adw.workflows.readiness import REVIEW, judge_readiness, latest_by_gate, why_not_merge
from adw.workflows.worktree import Worktree, open_worktree


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    naming = await require_naming(ctx)
    head = await recall_head(ctx)
    before: Mapping[str, Any] | None = await ctx.step("merged_before", lambda: _merged_before(ctx))
    if before is not None:
        return await _after_merge(ctx, before, branch=naming.branch, head=head)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await _check_remote(ctx, worktree, head)
    await prove_head(ctx, worktree, head=head)
    seen: Mapping[str, Any] = await ctx.step("judge", lambda: _judge(ctx, worktree, head))
    await _record(ctx, seen, head)
    number = seen["number"] or await ensure_pull_request(ctx, branch=naming.branch, title=naming.title, body="")
    await _approve(ctx, seen, number=number, head=head)
    table = str(seen["table"])
    await finish_pull_request(ctx, number=number, ready=True, table=table)
    kept = {"head": head, "ready": True, "reason": seen["reason"], "merged": False, "mergeSha": None}
    if seen["keep_because"] is not None:
        await announce_ready(ctx, number=number, ready=True, table=table)
        return {**kept, "keptBecause": seen["keep_because"]}
    terms: Mapping[str, Any] = await ctx.step("merge_terms", lambda: _terms(ctx, number=int(number), head=head))
    if terms["waits_for"] is not None:
        table = f"{table}\n\nNot merged yet: {terms['waits_for']}."
        await announce_ready(ctx, number=number, ready=True, table=table)
        return {**kept, "keptBecause": terms["waits_for"], "waitsForChecks": True}
    merged = await merge(ctx, number=number, head=head, method=terms["method"])
    made = {"number": number, "sha": merged.sha, "note": merged.note, "table": table, "reason": seen["reason"]}
    return await _after_merge(ctx, made, branch=naming.branch, head=head)


async def _merged_before(ctx: PhaseContext) -> JsonValue:
    """What an earlier attempt merged, if it got so far; only what comes after the merge is left to do then."""
    async with ctx.services.database.read() as connection:
        workflow = await require_workflow(connection, ctx.adw_id)
        if workflow.pr_state is not PrState.MERGED:
            return None
        table = evidence_table(await list_evidence(connection, ctx.adw_id))
    reason = "it was merged by an earlier attempt"
    return {"number": workflow.pr_number, "sha": workflow.merge_sha, "note": None, "table": table, "reason": reason}


async def _after_merge(ctx: PhaseContext, made: Mapping[str, Any], *, branch: str, head: str) -> Mapping[str, Any]:
    await announce_merged(ctx, number=made["number"], sha=made["sha"], note=made["note"], table=made["table"])
    await retire(ctx, branch=branch, head=head)
    return {"head": head, "ready": True, "reason": made["reason"], "merged": True, "mergeSha": made["sha"]}


async def _terms(ctx: PhaseContext, *, number: int, head: str) -> JsonValue:
    """Whether the forge lets it be merged now; what is still missing is watched for once the workflow is at rest."""
    workflow, forge = ctx.run.workflow, ctx.run.forge
    base_head = await forge.branch_head(workflow.base_branch)
    files = await ctx.services.access.conflicts(ctx.run.project, head=head, base=base_head) if base_head else ()
    if files:
        return {"waits_for": f"it conflicts with {workflow.base_branch} in {', '.join(files)}", "method": None}
    required = ctx.run.config.gates.required_checks
    terms = await merge_terms(
        forge,
        number=number,
        head=head,
        base=workflow.base_branch,
        base_sha=workflow.base_sha,
        required=required,
    )
    return {"waits_for": terms.waits_for, "method": terms.method}


async def _check_remote(ctx: PhaseContext, worktree: Worktree, head: str) -> None:
    """What was proven must be what lies on the forge."""

    async def look() -> JsonValue:
        return await worktree.workspace.remote_head()

    remote: str | None = await ctx.step("remote_head", look)
    if remote != head:
        there = remote[:12] if remote else "gone"
        raise PhaseFailed(
            FailureClass.CONFLICT, f"branch {worktree.branch} is {there} on the remote, not {head[:12]} as recorded"
        )


async def _judge(ctx: PhaseContext, worktree: Worktree, head: str) -> JsonValue:
    async with ctx.services.database.read() as connection:
        workflow = await require_workflow(connection, ctx.adw_id)
        evidence = await list_evidence(connection, ctx.adw_id)
        rows = await list_phases(connection, ctx.adw_id)
    documents = {str(path) for row in rows if row.phase == Phase.DOCUMENT for path in row.data.get("files", ())}
    review = latest_by_gate(evidence).get(REVIEW)
    alike = [review.commit] if review and await _adds_only(worktree, documents, since=review.commit, head=head) else []
    ready, reason = judge_readiness(workflow.phases, evidence, head=head, reviewed_as_head=alike)
    config = ctx.run.config
    keep_because = why_not_merge(
        workflow.workflow_type,
        evidence,
        allowed=config.triggers.zte,
        unverified_allowed=config.gates.allow_unverified_merge,
    )
    notes = [reason]
    if keep_because and workflow.workflow_type in MERGING:
        notes.append(f"Not merged: {keep_because}.")
    table = "\n\n".join([evidence_table(evidence), *notes]).strip()
    return {
        "number": workflow.pr_number,
        "ready": ready,
        "reason": reason,
        "keep_because": keep_because,
        "table": table,
    }


async def _adds_only(worktree: Worktree, documents: set[str], *, since: str, head: str) -> bool:
    """Whether the head differs from a reviewed commit by nothing but what the document phase wrote."""
    if since == head:
        return True
    changed = await worktree.workspace.changed_files(since=since, until=head)
    return {each.path for each in changed} <= documents


async def _record(ctx: PhaseContext, seen: Mapping[str, Any], head: str) -> None:
    outcome = GateOutcome.PASSED if seen["ready"] else GateOutcome.FAILED
    await ctx.gate(Evidence(gate="readiness", outcome=outcome, commit=head, summary=str(seen["reason"])))
    if not seen["ready"]:
        raise PhaseFailed(FailureClass.GATE_FAILED, str(seen["reason"]))
    if seen["keep_because"] is not None and ctx.run.workflow.workflow_type in MERGING:
        summary = f"left to a person: {seen['keep_because']}"
        await ctx.gate(Evidence(gate="merge", outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))


async def _approve(ctx: PhaseContext, seen: Mapping[str, Any], *, number: int, head: str) -> None:
    if not ctx.run.config.gates.ship_approval:
        return
    await finish_pull_request(ctx, number=number, ready=False, table=str(seen["table"]), name="shown")
    does = "mark it ready" if seen["keep_because"] else "merge it"
    question = Question(
        kind=ApprovalKind.SHIP,
        key=f"ship:{head[:12]}",
        text=f"pull request #{number} is proven on {head[:12]}; {does}?",
        reason=WaitReason.APPROVAL,
        data={"number": number, "head": head},
    )
    await ctx.require(question)
