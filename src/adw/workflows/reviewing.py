"""One round of review: everything a reviewer needs is laid out, it is asked once, its answer is kept.

What it is shown lies outside the working tree, and whatever it might leave in the tree is gone before anybody goes on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.review import Review, TrackedFinding, UnreadableReview, parse_review
from adw.ports.engine import JsonValue
from adw.ports.prompts import ReviewMaterial
from adw.store.phases import list_evidence
from adw.store.results import save_artifact
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import READ_ONLY, Conversation, converse
from adw.workflows.endings import PhaseFailed
from adw.workflows.readiness import latest_by_gate
from adw.workflows.review_pictures import Seen, lay_out_pictures, look_at_application, with_known_pictures
from adw.workflows.worktree import Worktree

GATE = "review"

_DIFF_FILE = "change.diff"
_MAX_DIFF = 2_000_000
_MAX_FILES = 5_000
_NAMED_TESTS = 50
_MARKS = {
    GateOutcome.PASSED: "passed",
    GateOutcome.FAILED: "failed",
    GateOutcome.NOT_APPLICABLE: "does not apply",
}


def report_name(ctx: PhaseContext, number: int) -> str:
    """The artifact that holds the whole answer of a round."""
    return f"review-{ctx.attempt}-{number}.json"


async def ask_reviewer(
    ctx: PhaseContext,
    worktree: Worktree,
    *,
    head: str,
    plan_file: str | None,
    number: int,
    known: Sequence[TrackedFinding],
) -> Review:
    """What a fresh reviewer finds on the head commit. Raises PhaseFailed when its answer is no review."""
    seen = await _gather(ctx, worktree, head=head, plan_file=plan_file, number=number)
    app = await look_at_application(ctx, worktree, head=head, number=number)
    folder = ctx.services.work_dir / ctx.adw_id / f"review-{ctx.attempt}-{number}"
    await asyncio.to_thread(_lay_out, folder, str(seen["diff"]))
    pictures = await lay_out_pictures(ctx, app.pictures, folder)
    material = ReviewMaterial(
        round_number=number,
        files=seen["files"],
        diff=seen["diff"],
        diff_file=str(folder / _DIFF_FILE),
        plan=seen["plan"],
        evidence=seen["evidence"],
        open_findings=known,
        app_note=app.note,
        pictures=pictures,
    )
    answer = await converse(
        ctx,
        Conversation(
            role=Role.REVIEWER,
            prompt=ctx.services.prompts.review(issue=ctx.run.issue, material=material),
            policy=replace(READ_ONLY, readable=(folder,)),
            cwd=worktree.path,
            env=worktree.tool_environment,
            round=number,
            workspace=worktree.workspace,
            start_commit=head,
        ),
    )
    await _keep(ctx, worktree, answer, app, head=head, number=number)
    review = parse_review(answer["structured"])
    if isinstance(review, UnreadableReview):
        raise PhaseFailed(FailureClass.AGENT_ERROR, f"the reviewer's answer is no review: {review.reason}")
    return with_known_pictures(review, app.pictures)


def evidence_lines(evidence: Mapping[str, Evidence]) -> list[str]:
    """What gates found so far, a sentence each; tests that no longer run are named, for they have to be judged."""
    lines: list[str] = []
    for gate, found in evidence.items():
        if gate == GATE:
            continue
        lines.append(f"{gate}: {_MARKS[found.outcome]} on {found.commit[:12]}: {found.summary}")
        for key, what in (("vanished", "gone"), ("silenced", "skipped now")):
            if named := [str(each) for each in found.data.get(key, ())]:
                more = f" and {len(named) - _NAMED_TESTS} more" if len(named) > _NAMED_TESTS else ""
                lines.append(f"{gate} of the base that are {what}: {', '.join(named[:_NAMED_TESTS])}{more}")
    return lines


def without_file(diff: str, path: str | None) -> str:
    """A unified diff without the part of one file, such as the plan that is shown anyway."""
    parts = re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE)
    return "".join(part for part in parts if path is None or not part.startswith(f"diff --git a/{path} b/{path}\n"))


async def _gather(
    ctx: PhaseContext, worktree: Worktree, *, head: str, plan_file: str | None, number: int
) -> Mapping[str, Any]:
    """What is to be reviewed, recorded: a conversation that goes on elsewhere is about the same."""

    async def work() -> JsonValue:
        message = f"reviewing {head[:12]}, round {number} of at most {ctx.run.config.gates.max_review_rounds}"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        workspace, base = worktree.workspace, ctx.run.workflow.base_sha
        changed = await workspace.changed_files(since=base, until=head)
        plan = None if plan_file is None else await workspace.read_committed(path=plan_file, ref=head)
        async with ctx.services.database.read() as connection:
            evidence = await list_evidence(connection, ctx.adw_id)
        return {
            "files": [_plain(f"{each.status} {each.path}") for each in changed[:_MAX_FILES]],
            "diff": _bounded(without_file(_plain(await workspace.diff(base=base, head=head)), plan_file)),
            "plan": None if plan is None else plan.decode("utf-8", "replace"),
            "evidence": evidence_lines(latest_by_gate(evidence)),
        }

    return await ctx.step(f"look.{number}", work)


async def _keep(
    ctx: PhaseContext, worktree: Worktree, answer: Mapping[str, Any], app: Seen, *, head: str, number: int
) -> None:
    async def work() -> JsonValue:
        await worktree.workspace.reset(head)
        report = {
            "round": number,
            "commit": head,
            "review": answer["structured"],
            "text": answer["text"],
            "application": app.note,
            "pictures": app.pictures,
        }
        async with ctx.services.database.begin() as connection:
            await save_artifact(
                connection,
                adw_id=ctx.adw_id,
                name=report_name(ctx, number),
                media_type="application/json",
                content=orjson.dumps(report),
            )
        return None

    await ctx.step(f"keep.{number}", work)


def _lay_out(folder: Path, diff: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _DIFF_FILE).write_text(diff, encoding="utf-8")


def _bounded(diff: str) -> str:
    """A change of megabytes is not read in one go; its files can be."""
    return (
        diff if len(diff) <= _MAX_DIFF else f"{diff[:_MAX_DIFF]}\n[... {len(diff) - _MAX_DIFF} characters left out]\n"
    )


def _plain(text: str) -> str:
    """Without the bytes of foreign names that are no text, which nobody could be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
