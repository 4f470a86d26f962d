"""Test: the project's own tests, then its end-to-end tests, each compared with the base and repaired if need be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.phase import Evidence, GateOutcome
from adw.workflows.context import PhaseContext
from adw.workflows.facts import recall_head, require_naming
from adw.workflows.testing import Suite, Tested, make_tests_pass
from adw.workflows.worktree import Worktree, open_worktree, set_up

MAX_ROUNDS = 4
MAX_E2E_ROUNDS = 2
E2E_FIRST_ROUND = 20
_LAST_ROUND = 40
_NOTHING: dict[str, Any] = {"before": None, "afterBuild": None, "final": None, "rounds": 0}


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves a verdict on the head commit. At most four rounds of repair; a round without progress is the last."""
    naming = await require_naming(ctx)
    head = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    tested = await _tests(ctx, worktree, head)
    head = head if tested is None else tested.head
    e2e = await _e2e(ctx, worktree, head)
    found: dict[str, Any] = _NOTHING if tested is None else tested.summary
    if e2e is None:
        return {**found, "head": head}
    if e2e.head != head and tested is not None:
        found = await _again(ctx, worktree, tested, head=e2e.head)
    return {**found, "head": e2e.head, "e2e": e2e.summary}


async def _e2e(ctx: PhaseContext, worktree: Worktree, head: str) -> Tested | None:
    """End-to-end tests, where the project has some and nobody asked to leave them out."""
    if worktree.commands.e2e is None:
        return None
    if ctx.run.workflow.options.skip_e2e:
        summary = "skipped on request"
        await ctx.gate(Evidence(gate="e2e", outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))
        return None
    suite = Suite(gate="e2e", command=worktree.commands.e2e, max_rounds=MAX_E2E_ROUNDS, first_round=E2E_FIRST_ROUND)
    return await make_tests_pass(ctx, worktree, suite, head=head)


async def _again(ctx: PhaseContext, worktree: Worktree, tested: Tested, *, head: str) -> dict[str, Any]:
    """The tests once more, on the commit that made the end-to-end tests pass; nothing is repaired any more."""
    assert worktree.commands.test is not None  # noqa: S101 # they ran before
    suite = Suite(gate="tests", command=worktree.commands.test, max_rounds=0, first_round=_LAST_ROUND)
    last = await make_tests_pass(ctx, worktree, suite, head=head)
    return {**tested.summary, "final": last.last["counts"], "reason": last.last["reason"]}


async def _tests(ctx: PhaseContext, worktree: Worktree, head: str) -> Tested | None:
    if worktree.commands.test is None:
        summary = "the project has no tests to run"
        await ctx.gate(Evidence(gate="tests", outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))
        return None
    suite = Suite(gate="tests", command=worktree.commands.test, max_rounds=MAX_ROUNDS)
    return await make_tests_pass(ctx, worktree, suite, head=head)
