"""Proving the head commit: whatever was shown on an earlier commit is shown again on the one that is to be shipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.ports.engine import JsonValue
from adw.store.phases import list_evidence
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.project_checks import broken_checks, listed
from adw.workflows.readiness import TESTS, latest_by_gate
from adw.workflows.testing import Suite, make_tests_pass
from adw.workflows.worktree import Worktree, set_up

E2E = "e2e"
_CHECKS = ("build", "lint")


async def prove_head(ctx: PhaseContext, worktree: Worktree, *, head: str) -> None:
    """Runs what has no result on the head yet: build, lint, tests, end-to-end tests. Nothing is repaired here.

    Raises PhaseFailed when something is not as good as on the base.
    """
    shown: Mapping[str, str] = await ctx.step("proven", lambda: _commits_by_gate(ctx))
    stale = {gate for gate in (*_CHECKS, TESTS, E2E) if shown.get(gate) != head}
    checks = any(getattr(worktree.commands, name) is not None and name in stale for name in _CHECKS)
    suites = _suites(ctx, worktree, stale)
    if checks or suites:
        await set_up(ctx, worktree)
    if checks and (broken := await broken_checks(ctx, worktree, head, 0)):
        command, errors = broken[0]
        raise PhaseFailed(FailureClass.GATE_FAILED, f"`{command}` has new errors: {listed(errors)}")
    for suite in suites:
        await make_tests_pass(ctx, worktree, suite, head=head)
    if worktree.commands.test is None and TESTS in stale:
        summary = "the project has no tests to run"
        await ctx.gate(Evidence(gate=TESTS, outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))


def _suites(ctx: PhaseContext, worktree: Worktree, stale: set[str]) -> list[Suite]:
    suites: list[Suite] = []
    if worktree.commands.test is not None and TESTS in stale:
        suites.append(Suite(gate=TESTS, command=worktree.commands.test, max_rounds=0))
    if worktree.commands.e2e is not None and E2E in stale and not ctx.run.workflow.options.skip_e2e:
        suites.append(Suite(gate=E2E, command=worktree.commands.e2e, max_rounds=0))
    return suites


async def _commits_by_gate(ctx: PhaseContext) -> JsonValue:
    async with ctx.services.database.read() as connection:
        latest = latest_by_gate(await list_evidence(connection, ctx.adw_id))
    good = {gate: found for gate, found in latest.items() if found.outcome is not GateOutcome.FAILED}
    commits: dict[str, Any] = {gate: found.commit for gate, found in good.items()}
    return commits
