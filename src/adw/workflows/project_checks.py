"""Building and linting on a commit: what the base did not complain about is an error of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adw.domain.checks import CheckOutcome, Diagnostic, new_errors
from adw.domain.phase import Evidence, GateOutcome
from adw.ports.engine import JsonValue
from adw.workflows.baseline import baseline_checks, decode_check, encode_check, ensure_baseline
from adw.workflows.context import PhaseContext
from adw.workflows.worktree import Worktree

_SHOWN = 5


async def broken_checks(
    ctx: PhaseContext, worktree: Worktree, head: str, number: int
) -> list[tuple[str, Sequence[Diagnostic]]]:
    """Runs the project's checks, records a gate for each, and gives the commands with new errors, and these."""
    if worktree.commands.build is None and worktree.commands.lint is None:
        return []

    async def work() -> JsonValue:
        baseline = await ensure_baseline(ctx, worktree)
        outcomes = await ctx.services.commands.run_checks(worktree.commands, place=worktree.place)
        return {"now": [encode_check(each) for each in outcomes], "base": baseline.get("checks", [])}

    seen: Mapping[str, Any] = await ctx.step(f"checks.{number}", work)
    base = baseline_checks({"checks": seen["base"]})
    broken: list[tuple[str, Sequence[Diagnostic]]] = []
    for outcome in (decode_check(each) for each in seen["now"]):
        errors = new_errors(baseline=base.get(outcome.name), now=outcome)
        await ctx.gate(_check_evidence(outcome, errors, head))
        if errors:
            broken.append((outcome.command, errors))
    return broken


def listed(errors: Sequence[Diagnostic]) -> str:
    """The first errors in one line."""
    shown = "; ".join(str(each) for each in errors[:_SHOWN])
    return shown + (f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else "")


def _check_evidence(outcome: CheckOutcome, errors: Sequence[Diagnostic], head: str) -> Evidence:
    if errors:
        found, summary = GateOutcome.FAILED, f"`{outcome.command}`: {len(errors)} new errors: {listed(errors)}"
    elif outcome.ok:
        found, summary = GateOutcome.PASSED, f"`{outcome.command}` passes"
    else:
        found, summary = GateOutcome.PASSED, f"`{outcome.command}` fails only as the base does"
    data = {"command": outcome.command, "exitCode": outcome.exit_code, "durationMs": outcome.duration_ms}
    return Evidence(gate=outcome.name, outcome=found, commit=head, summary=summary, data=data)
