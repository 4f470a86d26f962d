"""Finish: the evidence goes into the pull request, which is marked ready only if what was verified is green."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adw.domain.kinds import VERIFYING
from adw.domain.phase import EvidenceRow, GateOutcome
from adw.ports.engine import JsonValue
from adw.store.phases import list_evidence
from adw.store.workflows import require_workflow
from adw.workflows.comments import announce_ready, evidence_table
from adw.workflows.context import PhaseContext
from adw.workflows.pull_request import finish_pull_request


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    async def look() -> JsonValue:
        async with ctx.services.database.read() as connection:
            workflow = await require_workflow(connection, ctx.adw_id)
            evidence = await list_evidence(connection, ctx.adw_id)
        ready, reason = judge_readiness(workflow.phases, evidence, head=workflow.head_sha or workflow.base_sha)
        table = f"{evidence_table(evidence)}\n\n{reason}".strip()
        return {"number": workflow.pr_number, "ready": ready, "reason": reason, "table": table}

    seen: Mapping[str, Any] = await ctx.step("look", look)
    if seen["number"] is None:
        return {"ready": False, "reason": "there is no pull request"}
    number, ready, table = int(seen["number"]), bool(seen["ready"]), str(seen["table"])
    await finish_pull_request(ctx, number=number, ready=ready, table=table)
    await announce_ready(ctx, number=number, ready=ready, table=table)
    return {"ready": ready, "reason": seen["reason"]}


def judge_readiness(phases: Sequence[str], evidence: list[EvidenceRow], *, head: str) -> tuple[bool, str]:
    """Whether the draft may end, and the sentence that says why or why not.

    Ready means: the kind verifies, and the latest result of every gate is green, that of a verifying phase on the
    very head commit.
    """
    verifying = [phase for phase in phases if phase in VERIFYING]
    if not verifying:
        return False, "This kind of workflow verifies nothing: tests and review never ran, so it stays a draft."
    latest = {(row.phase, row.evidence.gate): row.evidence for row in evidence if not row.superseded}
    failed = sorted(gate for (_, gate), found in latest.items() if found.outcome is GateOutcome.FAILED)
    if failed:
        return False, f"Not green: {', '.join(failed)}."
    unproven = [phase for phase in verifying if not _covers(latest, phase, head)]
    if unproven:
        return False, f"No result on the head commit: {', '.join(unproven)}."
    silent = sorted(gate for (_, gate), found in latest.items() if found.outcome is GateOutcome.NOT_APPLICABLE)
    note = f" Not applicable: {', '.join(silent)}." if silent else ""
    shown = " and ".join(verifying)
    return True, f"Every gate is green, {shown} on the head commit `{head[:12]}`.{note}"


def _covers(latest: Mapping[tuple[str, str], Any], phase: str, head: str) -> bool:
    return any(of == phase and found.commit == head for (of, _), found in latest.items())
