"""Finish: the evidence goes into the pull request, which is marked ready only if what was verified is green."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.ports.engine import JsonValue
from adw.store.phases import list_evidence
from adw.store.workflows import require_workflow
from adw.workflows.comments import announce_ready, evidence_table
from adw.workflows.containment import isolation_line
from adw.workflows.context import PhaseContext
from adw.workflows.facts import require_naming
from adw.workflows.pull_request import ensure_pull_request, finish_pull_request
from adw.workflows.readiness import judge_readiness


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    async def look() -> JsonValue:
        async with ctx.services.database.read() as connection:
            workflow = await require_workflow(connection, ctx.adw_id)
            evidence = await list_evidence(connection, ctx.adw_id)
        ready, reason = judge_readiness(workflow.phases, evidence, head=workflow.head_sha or workflow.base_sha)
        table = f"{evidence_table(evidence)}\n\n{isolation_line(ctx)}\n\n{reason}".strip()
        return {
            "number": workflow.pr_number,
            "ready": ready,
            "reason": reason,
            "table": table,
            "changed": workflow.head_sha not in {None, workflow.base_sha, workflow.trigger.get("onSha")},
        }

    seen: Mapping[str, Any] = await ctx.step("look", look)
    number = seen["number"]
    if number is None and not seen["changed"]:
        return {"ready": False, "reason": "nothing was changed, so there is no pull request"}
    if number is None:
        naming = await require_naming(ctx)
        number = await ensure_pull_request(ctx, branch=naming.branch, title=naming.title, body="")
    ready, table = bool(seen["ready"]), str(seen["table"])
    await finish_pull_request(ctx, number=number, ready=ready, table=table)
    await announce_ready(ctx, number=number, ready=ready, table=table)
    return {"ready": ready, "reason": seen["reason"]}
