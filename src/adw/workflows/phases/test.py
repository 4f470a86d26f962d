"""Test: run the project's own tests, compare with the base, have what broke repaired, and say what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.testing import TestResult, TestRun, TestStatus, encode_run
from adw.domain.verdict import RERUNS_ON_HEAD, Outcome, Verdict, compare, made_progress, to_rerun
from adw.ports.commands import Command
from adw.ports.engine import JsonValue
from adw.store.results import save_artifact
from adw.workflows.baseline import baseline_tests, counts, ensure_baseline
from adw.workflows.context import PhaseContext
from adw.workflows.conversation import EDITOR, Conversation, converse
from adw.workflows.endings import PhaseFailed
from adw.workflows.facts import recall_head, require_naming
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree, set_up

MAX_ROUNDS = 4
_OUTCOMES = {
    Outcome.GREEN: GateOutcome.PASSED,
    Outcome.RED: GateOutcome.FAILED,
    Outcome.NOT_APPLICABLE: GateOutcome.NOT_APPLICABLE,
}


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves a verdict on the head commit. At most four rounds of repair; a round without progress is the last."""
    naming = await require_naming(ctx)
    head = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    if worktree.commands.test is None:
        return await _no_tests(ctx, head)
    first: Mapping[str, Any] | None = None
    failing: list[str] | None = None
    for number in range(MAX_ROUNDS + 1):
        seen = await _run_tests(ctx, worktree, worktree.commands.test, number)
        first = first or seen
        await _record(ctx, seen, head)
        if seen["outcome"] != Outcome.RED:
            return _summary(first, seen, head, number)
        now = [each["test_id"] for each in seen["regressions"]]
        _check_worth_repairing(ctx, seen, number, previous=failing, now=now)
        failing = now
        head = await _repair(ctx, worktree, worktree.commands.test, seen, head=head, number=number)
    raise AssertionError("the last round either returns or raises")


async def _no_tests(ctx: PhaseContext, head: str) -> Mapping[str, Any]:
    summary = "the project has no tests to run"
    await ctx.gate(Evidence(gate="tests", outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))
    return {"head": head, "before": None, "afterBuild": None, "final": None, "rounds": 0}


async def _run_tests(ctx: PhaseContext, worktree: Worktree, command: Command, number: int) -> Mapping[str, Any]:
    """One run of the tests and its verdict, as JSON; the whole report is kept as an artifact."""

    async def work() -> JsonValue:
        message = f"running `{command.shown}`"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        commands = ctx.services.commands
        base = await ensure_baseline(ctx, worktree)
        baseline = baseline_tests(base)
        now = await commands.run_tests(command, place=worktree.place)
        again = to_rerun(now, baseline=baseline)
        reruns = await commands.rerun(command, test_ids=again, times=RERUNS_ON_HEAD, place=worktree.place)
        verdict = compare(now, baseline=baseline, reruns=reruns)
        await _keep_report(ctx, now, number)
        return _as_json(now, verdict, before=base.get("counts"))

    return await ctx.step(f"tests.{number}", work)


async def _keep_report(ctx: PhaseContext, now: TestRun, number: int) -> None:
    name = f"tests-{ctx.phase}-{ctx.attempt}-{number}.json"
    content = orjson.dumps(encode_run(now))
    async with ctx.services.database.begin() as connection:
        await save_artifact(connection, adw_id=ctx.adw_id, name=name, media_type="application/json", content=content)


def _as_json(now: TestRun, verdict: Verdict, *, before: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "counts": counts(now),
        "before": before,
        "command": now.command,
        "exitCode": now.exit_code,
        "durationMs": now.duration_ms,
        "output": now.output_tail[-4000:],
        "regressions": [each.as_dict() for each in verdict.regressions],
        "flaky": [each.test_id for each in verdict.flaky],
        "preexisting": [each.test_id for each in verdict.preexisting],
        "fixed": list(verdict.fixed),
        "vanished": list(verdict.vanished),
        "silenced": list(verdict.silenced),
    }


async def _record(ctx: PhaseContext, seen: Mapping[str, Any], head: str) -> None:
    data = {key: seen[key] for key in ("counts", "command", "exitCode", "flaky", "preexisting", "vanished", "silenced")}
    data["regressions"] = [each["test_id"] for each in seen["regressions"]]
    outcome = _OUTCOMES[Outcome(seen["outcome"])]
    await ctx.gate(Evidence(gate="tests", outcome=outcome, commit=head, summary=str(seen["reason"]), data=data))


def _check_worth_repairing(
    ctx: PhaseContext, seen: Mapping[str, Any], number: int, *, previous: list[str] | None, now: list[str]
) -> None:
    """Raises PhaseFailed when no further round makes sense."""
    if not ctx.run.workflow.options.auto_resolve:
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']} (repairing is switched off)")
    if number == MAX_ROUNDS:
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']} after {MAX_ROUNDS} rounds of repair")
    if previous is not None and not made_progress(previous=previous, now=now):
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']}; the last round of repair made no progress")


async def _repair(
    ctx: PhaseContext, worktree: Worktree, command: Command, seen: Mapping[str, Any], *, head: str, number: int
) -> str:
    prompt = ctx.services.prompts.resolve(
        issue=ctx.run.issue,
        failures=[_result(each) for each in seen["regressions"]],
        reason=f"{seen['reason']}\n\n{seen['output']}" if not seen["regressions"] else str(seen["reason"]),
        command=command.shown,
        round_number=number + 1,
    )
    answer = await converse(
        ctx,
        Conversation(
            role=Role.RESOLVER,
            prompt=prompt,
            policy=EDITOR,
            cwd=worktree.path,
            env=worktree.tool_environment,
            round=number + 1,
            workspace=worktree.workspace,
            start_commit=head,
        ),
    )
    message = str(answer["structured"].get("commit_message") or "fix: make the tests pass")
    repaired = await save(ctx, worktree, name=f"repair.{number + 1}", message=message, since=head)
    if repaired is None:
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']}; the resolver changed nothing")
    return repaired


def _result(value: Mapping[str, Any]) -> TestResult:
    return TestResult(
        test_id=value["test_id"],
        test_name=value["test_name"],
        status=TestStatus(value["status"]),
        execution_command=value["execution_command"],
        test_purpose=value["test_purpose"],
        error=value["error"],
        duration_ms=value["duration_ms"],
    )


def _summary(first: Mapping[str, Any], last: Mapping[str, Any], head: str, rounds: int) -> Mapping[str, Any]:
    return {
        "head": head,
        "before": first["before"],
        "afterBuild": first["counts"],
        "final": last["counts"],
        "rounds": rounds,
        "reason": last["reason"],
    }
