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
_NOTHING = {"before": None, "afterBuild": None, "final": None, "rounds": 0}


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves a verdict on the head commit. At most four rounds of repair; a round without progress is the last."""
    naming = await require_naming(ctx)
    head = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    tested = await _tests(ctx, worktree, head)
    if tested is None:
        return {"head": head, **_NOTHING}
    return tested.summary


async def _tests(ctx: PhaseContext, worktree: Worktree, head: str) -> Tested | None:
    if worktree.commands.test is None:
        summary = "the project has no tests to run"
        await ctx.gate(Evidence(gate="tests", outcome=GateOutcome.NOT_APPLICABLE, commit=head, summary=summary))
        return None
    suite = Suite(gate="tests", command=worktree.commands.test, max_rounds=MAX_ROUNDS)
    return await make_tests_pass(ctx, worktree, suite, head=head)
