"""What people read on the issue: one status comment edited in place, and a new comment for what they must know."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import POLICIES, Failure
from adw.domain.phase import EvidenceRow, GateOutcome, PhaseRow, PhaseStatus
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError
from adw.ports.engine import JsonValue
from adw.store.events import FencedError
from adw.store.phases import list_evidence, list_phases
from adw.store.workflows import require_workflow
from adw.workflows.context import PhaseContext
from adw.workflows.endings import Question

_log = structlog.get_logger(component="comments")

_MAX_CELL = 300
_BAR = re.compile(r"(\\*)\|")
_MARKS = {GateOutcome.PASSED: "passed", GateOutcome.FAILED: "failed", GateOutcome.NOT_APPLICABLE: "not applicable"}


async def announce_status(ctx: PhaseContext) -> None:
    """Brings the status comment up to date."""

    async def work() -> JsonValue:
        await _edit_status(ctx)
        return None

    if ctx.run.workflow.issue_number is not None:
        await _try_step(ctx, "status", work)


async def announce_failure(ctx: PhaseContext, failure: Failure) -> None:
    """Says in a comment of its own what failed, what was tried and what a person can do."""

    async def work() -> JsonValue:
        await _edit_status(ctx)
        async with ctx.services.database.read() as connection:
            evidence = await list_evidence(connection, ctx.adw_id)
        return await _comment(ctx, f"failed:{ctx.phase}:{ctx.attempt}", failure_comment(ctx.adw_id, failure, evidence))

    await _announce(ctx, "failure_comment", work)


async def announce_question(ctx: PhaseContext, question: Question) -> None:
    """Asks in a comment of its own."""

    async def work() -> JsonValue:
        body = f"{question.text}\n\nAnswer with `adw approval allow {ctx.adw_id}` or `adw approval deny {ctx.adw_id}`."
        return await _comment(ctx, f"question:{ctx.question_key(question)}", body)

    await _announce(ctx, f"question_comment.{question.key}", work)


async def announce_waiting(ctx: PhaseContext, text: str, *, key: str) -> None:
    """Says in a comment of its own what the workflow waits for, when nobody is asked to decide."""

    async def work() -> JsonValue:
        return await _comment(ctx, f"waiting:{key}", text)

    await _announce(ctx, f"waiting_comment.{key}", work)


async def announce_review(ctx: PhaseContext, body: str) -> None:
    """Says what a review found in a comment of its own, on the pull request if there is one."""

    async def work() -> JsonValue:
        workflow = await ctx.check_ownership()
        number = workflow.pr_number or workflow.issue_number
        if number is None:
            return None
        key = f"{ctx.adw_id}:review:{ctx.attempt}"
        return {"number": number, "id": (await ctx.run.forge.upsert_comment(number, body=body, key=key)).id}

    posted = await _try_step(ctx, "review_comment", work)
    if posted is not None:
        message = f"commented on #{posted['number']} what the review found"
        event = NewEvent(type=EventType.COMMENT_POSTED, phase=ctx.phase, message=message, data=posted)
        await ctx.update("review_comment.told", changes={}, event=event)


async def announce_ready(ctx: PhaseContext, *, number: int, ready: bool, table: str) -> None:
    """Points at the pull request once nothing more will be done to it."""

    async def work() -> JsonValue:
        word = "ready for review" if ready else "a draft"
        again = f":{ctx.attempt}" if ctx.attempt > 1 else ""
        return await _comment(ctx, f"ready:{number}{again}", f"Pull request #{number} is {word}.\n\n{table}")

    await _announce(ctx, "ready_comment", work)


async def announce_merged(ctx: PhaseContext, *, number: int, sha: str, note: str | None, table: str) -> None:
    """Says that the work is on the base branch, and what is left to do there, if anything."""

    async def work() -> JsonValue:
        told = f"Pull request #{number} is merged as `{sha[:12]}`."
        return await _comment(ctx, f"merged:{number}", "\n\n".join(part for part in (told, note, table) if part))

    await _announce(ctx, "merged_comment", work)


def status_comment(workflow: Workflow, rows: list[PhaseRow]) -> str:
    """The table of phases as it stands."""
    lines = [f"**{workflow.workflow_type}** `{workflow.adw_id}`", "", "| phase | status | attempt |", "|---|---|---|"]
    latest = {row.phase: row for row in rows if row.status is not PhaseStatus.SUPERSEDED}
    for name in workflow.phases:
        row = latest.get(name)
        lines.append(f"| {name} | {row.status if row else 'not yet'} | {row.attempt if row else ''} |")
    if workflow.branch_name:
        lines += ["", f"Branch `{workflow.branch_name}`"]
    return "\n".join(lines)


def failure_comment(adw_id: str, failure: Failure, evidence: list[EvidenceRow]) -> str:
    """Class, message, evidence so far and next actions, in words for a person."""
    actions = "\n".join(f"- `{action}`" for action in failure.next_actions(adw_id))
    return "\n".join(
        [
            f"Workflow `{adw_id}` failed in {failure.phase or 'its course'} (`{failure.failure_class}`).",
            "",
            "```text",
            failure.message.replace("```", "'''")[:3000],
            "```",
            "",
            evidence_table(evidence) or "No gate had run yet.",
            "",
            f"{POLICIES[failure.failure_class].advice}. Branch, worktree and finished phases are kept.",
            "",
            actions,
        ]
    )


def evidence_table(evidence: list[EvidenceRow]) -> str:
    """Every gate that counts: what was found, on which commit. Empty without evidence."""
    rows = [each for each in evidence if not each.superseded]
    if not rows:
        return ""
    lines = ["| gate | phase | result | commit | finding |", "|---|---|---|---|---|"]
    for row in rows:
        found = row.evidence
        summary = cell(found.summary)
        lines.append(f"| {found.gate} | {row.phase} | {_MARKS[found.outcome]} | `{found.commit[:12]}` | {summary} |")
    return "\n".join(lines)


def cell(text: str) -> str:
    """One line that cannot end its cell: a bar is escaped, and so are the backslashes that would undo that."""
    line = " ".join(text.split())
    cut = line if len(line) <= _MAX_CELL else f"{line[: _MAX_CELL - 1]}…"
    return _BAR.sub(lambda found: f"{found[1]}{found[1]}\\|", cut)


async def _announce(ctx: PhaseContext, name: str, work: Callable[[], Awaitable[JsonValue]]) -> None:
    if ctx.run.workflow.issue_number is None:
        return
    comment_id = await _try_step(ctx, name, work)
    if comment_id is None:
        return
    event = NewEvent(
        type=EventType.COMMENT_POSTED, phase=ctx.phase, message="commented on the issue", data={"id": comment_id}
    )
    await ctx.update(f"{name}.told", changes={}, event=event)


async def _try_step(ctx: PhaseContext, name: str, work: Callable[[], Awaitable[JsonValue]]) -> Any:
    """Its result, or None when the forge refuses: words on an issue are not worth failing work that went well."""
    try:
        return await ctx.step(name, work)
    except FencedError:
        raise
    except AdwError as error:
        _log.warning("comment_failed", name=name, error=error.message)
        return None


async def _comment(ctx: PhaseContext, key: str, body: str) -> str:
    number = ctx.run.workflow.issue_number
    assert number is not None  # noqa: S101 # checked by the callers
    await ctx.check_ownership()
    comment = await ctx.run.forge.upsert_comment(number, body=body, key=f"{ctx.adw_id}:{key}")
    return comment.id


async def _edit_status(ctx: PhaseContext) -> None:
    async with ctx.services.database.read() as connection:
        workflow = await require_workflow(connection, ctx.adw_id)
        rows = await list_phases(connection, ctx.adw_id)
    await _comment(ctx, "status", status_comment(workflow, rows))
