"""A phase that the repository defines: a command of its own, or a task for an agent in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role
from adw.domain.checks import CheckOutcome
from adw.domain.config import CommandEntry
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.kinds import Phase
from adw.domain.phase import Evidence, GateOutcome
from adw.ports.commands import Command
from adw.ports.engine import JsonValue
from adw.project.base_files import BaseFiles
from adw.store.workflows import require_workflow
from adw.workflows.baseline import decode_check, encode_check
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.endings import PhaseFailed
from adw.workflows.facts import Naming, recall_head, require_naming
from adw.workflows.pull_request import ensure_pull_request
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree, set_up

_SHOWN_CHARS = 4_000


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves what the phase changed committed and pushed; to change nothing is fine."""
    entry = ctx.run.config.phases.get(ctx.phase)
    if entry is None:
        raise PhaseFailed(FailureClass.CONFIGURATION, f"adw.toml of the base commit defines no phase {ctx.phase!r}")
    naming = await require_naming(ctx)
    start = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    if entry.command is not None:
        head, summary = await _run_command(ctx, worktree, naming, entry.command, start)
    else:
        head, summary = await _perform(ctx, worktree, naming, str(entry.prompt), start)
    if head is not None:
        await _show(ctx, naming, summary)
    return {"head": head or start, "changed": head is not None, "summary": summary}


async def _run_command(
    ctx: PhaseContext, worktree: Worktree, naming: Naming, entry: CommandEntry, start: str
) -> tuple[str | None, str]:
    """The new head, if there is one. Raises PhaseFailed when the command fails: nothing of it is kept then."""
    command = Command(
        line=entry.run, origin=f"[phases.{ctx.phase}] in adw.toml", timeout_s=entry.timeout_s, cwd=entry.cwd
    )

    async def work() -> JsonValue:
        await worktree.workspace.reset(start)  # what an interrupted run of it left behind
        message = f"running `{command.shown}`"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        return encode_check(await ctx.services.commands.run_command(ctx.phase, command, place=worktree.place))

    outcome = decode_check(await ctx.step("command", work))
    if not outcome.ok:
        found = _evidence(ctx, outcome, GateOutcome.FAILED, commit=start, summary=_complaint(outcome, command))
        await ctx.gate(found)
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{found.summary}: {outcome.output_tail.strip()[-1500:]}")
    head = await save(ctx, worktree, name="command", message=f"{ctx.phase}: {naming.title}", since=start)
    summary = f"`{command.shown}` passes" + ("" if head is None else ", and what it changed is committed")
    await ctx.gate(_evidence(ctx, outcome, GateOutcome.PASSED, commit=head or start, summary=summary))
    return head, summary


def _complaint(outcome: CheckOutcome, command: Command) -> str:
    if outcome.timed_out:
        return f"`{command.shown}` did not end within {command.timeout_s:g} s"
    return f"`{command.shown}` failed with exit status {outcome.exit_code}"


def _evidence(ctx: PhaseContext, outcome: CheckOutcome, found: GateOutcome, *, commit: str, summary: str) -> Evidence:
    data = {
        "command": outcome.command,
        "exitCode": outcome.exit_code,
        "durationMs": outcome.duration_ms,
        "timedOut": outcome.timed_out,
        "output": outcome.output_tail[-_SHOWN_CHARS:],
    }
    return Evidence(gate=ctx.phase, outcome=found, commit=commit, summary=summary, data=data)


async def _perform(
    ctx: PhaseContext, worktree: Worktree, naming: Naming, prompt_file: str, start: str
) -> tuple[str | None, str]:
    """The new head, if the agent changed anything, and what it says it did."""
    base = BaseFiles(access=ctx.services.access, project=ctx.run.project, sha=ctx.run.workflow.base_sha)
    instructions = await base.text(prompt_file)
    prompt = ctx.services.prompts.perform(issue=ctx.run.issue, name=ctx.phase, instructions=instructions)
    answer = await edit(ctx, worktree, role=Role.SPECIALIST, prompt=prompt, start_commit=start)
    message = str(answer.get("commit_message") or f"{ctx.phase}: {naming.title}")
    head = await save(ctx, worktree, name="task", message=message, since=start)
    summary = str(answer.get("summary") or "")
    if head is None:
        told = f"{ctx.phase} changed nothing"
        await ctx.update(
            "unchanged", changes={}, event=NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=told)
        )
    return head, summary


async def _show(ctx: PhaseContext, naming: Naming, summary: str) -> None:
    """Opens the draft where no build of this kind does so."""

    async def look() -> JsonValue:
        async with ctx.services.database.read() as connection:
            return (await require_workflow(connection, ctx.adw_id)).pr_number

    if Phase.BUILD.value not in ctx.run.workflow.phases and await ctx.step("shown", look) is None:
        await ensure_pull_request(ctx, branch=naming.branch, title=naming.title, body=summary)
