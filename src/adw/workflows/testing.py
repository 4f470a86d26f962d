"""Making a test command pass: run by us, compared with the base, what broke repaired, in a few rounds.

Used for the project's tests and for its end-to-end tests, wherever a phase has to know how the head commit behaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.stuck import Rounds
from adw.domain.testing import TestResult, TestRun, TestStatus, encode_run
from adw.domain.verdict import RERUNS_ON_HEAD, Outcome, Verdict, compare, to_rerun
from adw.ports.commands import Command
from adw.ports.engine import JsonValue
from adw.store.results import save_artifact
from adw.workflows.baseline import baseline_tests, counts, ensure_baseline
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.endings import PhaseFailed
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree

_TOLD = ("counts", "command", "exitCode", "report", "flaky", "preexisting", "vanished", "silenced")
_OUTCOMES = {
    Outcome.GREEN: GateOutcome.PASSED,
    Outcome.RED: GateOutcome.FAILED,
    Outcome.NOT_APPLICABLE: GateOutcome.NOT_APPLICABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A command whose tests have to pass."""

    gate: str
    """The name of its evidence: `tests` or `e2e`."""
    command: Command
    max_rounds: int
    """Repairs after which it is given up; 0 only looks."""
    first_round: int = 0
    """Where the numbers of repairs begin, when several suites or reviews repair within one attempt at a phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """How a suite ended well, and on which commit."""

    head: str
    rounds: int
    first: Mapping[str, Any]
    last: Mapping[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """As a phase records it; counts are `{passed, failed, skipped}` or null."""
        return {
            "head": self.head,
            "before": self.first["before"],
            "afterBuild": self.first["counts"],
            "final": self.last["counts"],
            "rounds": self.rounds,
            "reason": self.last["reason"],
        }


async def make_tests_pass(ctx: PhaseContext, worktree: Worktree, suite: Suite, *, head: str) -> Tested:
    """Leaves a verdict on the head commit. A round of repair without progress is the last.

    Raises PhaseFailed when the suite stays red.
    """
    first: Mapping[str, Any] | None = None
    rounds = Rounds(patience=ctx.run.config.stuck.rounds)
    for done in range(suite.max_rounds + 1):
        seen = await _run_tests(ctx, worktree, suite, suite.first_round + done)
        first = first or seen
        await _record(ctx, suite, seen, head)
        if seen["outcome"] != Outcome.RED:
            return Tested(head=head, rounds=done, first=first, last=seen)
        rounds = rounds.take([each["test_id"] for each in seen["regressions"]])
        _check_worth_repairing(ctx, suite, seen, done, rounds)
        head = await _repair(ctx, worktree, suite, seen, head=head, number=suite.first_round + done + 1)
    raise AssertionError("the last round either returns or raises")


async def _run_tests(ctx: PhaseContext, worktree: Worktree, suite: Suite, number: int) -> Mapping[str, Any]:
    """One run of the tests and its verdict, as JSON; the whole report is kept as an artifact."""
    command = suite.command

    async def work() -> JsonValue:
        message = f"running `{command.shown}`"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message))
        commands = ctx.services.commands
        base = await ensure_baseline(ctx, worktree)
        baseline = baseline_tests(base, gate=suite.gate)
        now = await commands.run_tests(command, place=worktree.place)
        again = to_rerun(now, baseline=baseline)
        reruns = await commands.rerun(command, test_ids=again, times=RERUNS_ON_HEAD, place=worktree.place)
        verdict = compare(now, baseline=baseline, reruns=reruns)
        report = await _keep_report(ctx, suite, now, number)
        return {**_as_json(now, verdict, before=counts(baseline and baseline.run)), "report": report}

    return await ctx.step(f"{suite.gate}.{number}", work)


async def _keep_report(ctx: PhaseContext, suite: Suite, now: TestRun, number: int) -> str:
    name = f"{suite.gate}-{ctx.phase}-{ctx.attempt}-{number}.json"
    content = orjson.dumps(encode_run(now))
    async with ctx.services.database.begin() as connection:
        await save_artifact(connection, adw_id=ctx.adw_id, name=name, media_type="application/json", content=content)
    return name


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


async def _record(ctx: PhaseContext, suite: Suite, seen: Mapping[str, Any], head: str) -> None:
    data = {key: seen[key] for key in _TOLD}
    data["regressions"] = [each["test_id"] for each in seen["regressions"]]
    outcome = _OUTCOMES[Outcome(seen["outcome"])]
    await ctx.gate(Evidence(gate=suite.gate, outcome=outcome, commit=head, summary=str(seen["reason"]), data=data))


def _check_worth_repairing(ctx: PhaseContext, suite: Suite, seen: Mapping[str, Any], done: int, rounds: Rounds) -> None:
    """Raises PhaseFailed when no further round makes sense."""
    if not ctx.run.workflow.options.auto_resolve:
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']} (repairing is switched off)")
    if done == suite.max_rounds:
        after = f" after {done} rounds of repair" if done else ""
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']}{after}")
    if rounds.are_stuck:
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{seen['reason']}; {rounds.sentence()}")


async def _repair(
    ctx: PhaseContext, worktree: Worktree, suite: Suite, seen: Mapping[str, Any], *, head: str, number: int
) -> str:
    prompt = ctx.services.prompts.resolve(
        issue=ctx.run.issue,
        failures=[_result(each) for each in seen["regressions"]],
        reason=f"{seen['reason']}\n\n{seen['output']}" if not seen["regressions"] else str(seen["reason"]),
        command=suite.command.shown,
        round_number=number,
    )
    answer = await edit(ctx, worktree, role=Role.RESOLVER, prompt=prompt, start_commit=head, round_number=number)
    message = str(answer.get("commit_message") or "fix: make the tests pass")
    repaired = await save(ctx, worktree, name=f"repair.{number}", message=message, since=head)
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
