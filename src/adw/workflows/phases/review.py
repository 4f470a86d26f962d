"""Review: a fresh reader judges the change; what blocks it is mended and judged anew, for as long as that leads on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.review import ReviewVerdict
from adw.workflows.comments import announce_review
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.endings import PhaseFailed
from adw.workflows.facts import Naming, recall_head, require_naming
from adw.workflows.review_comment import review_comment
from adw.workflows.review_course import Course, round_sentence, why_over
from adw.workflows.reviewing import GATE, ask_reviewer, report_name
from adw.workflows.saving import save
from adw.workflows.testing import Suite, make_tests_pass
from adw.workflows.worktree import Worktree, open_worktree, set_up

MAX_ROUNDS = 2
MAX_E2E_ROUNDS = 1
_NUMBERS_OF_A_ROUND = 10
"""Runs and repairs of tests after the patch of round 2 are numbered from 20, end-to-end tests from 25."""
_E2E_NUMBER = 5
_LAST_NUMBER = 9


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    """Leaves a verdict on the head commit. Fails when blockers stay, or when more rounds would not remove them."""
    naming = await require_naming(ctx)
    course = Course(head=await recall_head(ctx), limit=ctx.run.config.gates.max_review_rounds)
    course.patience = ctx.run.config.stuck.rounds
    if not course.limit:
        return await _skip(ctx, course)
    worktree = await open_worktree(ctx, branch=naming.branch)
    await set_up(ctx, worktree)
    try:
        await _go_through_rounds(ctx, worktree, naming, course)
    except PhaseFailed as failed:
        if course.rounds and failed.failure_class is FailureClass.GATE_FAILED:
            await announce_review(ctx, review_comment(course, end=failed.message))
        raise
    await announce_review(ctx, review_comment(course))
    return course.data()


async def _go_through_rounds(ctx: PhaseContext, worktree: Worktree, naming: Naming, course: Course) -> None:
    while True:
        review = await ask_reviewer(
            ctx,
            worktree,
            head=course.head,
            plan_file=naming.plan_file,
            number=course.rounds + 1,
            known=[each for each in course.findings if each.is_open],
        )
        course.take(review)
        over = why_over(course, may_repair=ctx.run.workflow.options.auto_resolve)
        if over is None and course.verdict is ReviewVerdict.CONTRADICTORY:
            await _tell_of_contradiction(ctx, course)  # no result yet: the same commit is reviewed again
            continue
        await _record(ctx, course)
        if over is not None:
            raise PhaseFailed(FailureClass.GATE_FAILED, over)
        if course.verdict is ReviewVerdict.APPROVED:
            return
        course.head = await _patch(ctx, worktree, course)


async def _tell_of_contradiction(ctx: PhaseContext, course: Course) -> None:
    message = f"{round_sentence(course)}; another reviewer is asked"
    event = NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message, data=course.evidence())
    await ctx.update(f"contradiction.{course.rounds}", changes={}, event=event)


async def _record(ctx: PhaseContext, course: Course) -> None:
    passed = course.verdict is ReviewVerdict.APPROVED
    await ctx.gate(
        Evidence(
            gate=GATE,
            outcome=GateOutcome.PASSED if passed else GateOutcome.FAILED,
            commit=course.head,
            summary=round_sentence(course),
            data={**course.evidence(), "report": report_name(ctx, course.rounds)},
        )
    )


async def _patch(ctx: PhaseContext, worktree: Worktree, course: Course) -> str:
    """Has the open blockers put right and the tests run again; the new head."""
    number, commands = course.rounds, worktree.commands
    prompt = ctx.services.prompts.patch(
        issue=ctx.run.issue,
        findings=course.hand_over(),
        commands=[each.shown for each in (commands.test, commands.build, commands.lint) if each],
        round_number=number,
    )
    answer = await edit(ctx, worktree, role=Role.PATCHER, prompt=prompt, start_commit=course.head, round_number=number)
    message = str(answer.get("commit_message") or "fix: put right what the review found")
    patched = await save(ctx, worktree, name=f"patch.{number}", message=message, since=course.head)
    if patched is None:
        course.verdict = ReviewVerdict.STAGNANT
        raise PhaseFailed(FailureClass.GATE_FAILED, f"{round_sentence(course)}; the patcher changed nothing")
    course.head = patched
    return await _test(ctx, worktree, head=patched, first=number * _NUMBERS_OF_A_ROUND)


async def _test(ctx: PhaseContext, worktree: Worktree, *, head: str, first: int) -> str:
    """The tests, the end-to-end tests, and the tests again if repairing the latter made another commit."""
    test, e2e = worktree.commands.test, worktree.commands.e2e
    if test is not None:
        suite = Suite(gate="tests", command=test, max_rounds=MAX_ROUNDS, first_round=first)
        head = (await make_tests_pass(ctx, worktree, suite, head=head)).head
    if e2e is None or ctx.run.workflow.options.skip_e2e:
        return head
    suite = Suite(gate="e2e", command=e2e, max_rounds=MAX_E2E_ROUNDS, first_round=first + _E2E_NUMBER)
    repaired = (await make_tests_pass(ctx, worktree, suite, head=head)).head
    if test is not None and repaired != head:
        suite = Suite(gate="tests", command=test, max_rounds=0, first_round=first + _LAST_NUMBER)
        await make_tests_pass(ctx, worktree, suite, head=repaired)
    return repaired


async def _skip(ctx: PhaseContext, course: Course) -> Mapping[str, Any]:
    summary = "the project wants no review: [gates] max_review_rounds = 0"
    await ctx.gate(Evidence(gate=GATE, outcome=GateOutcome.NOT_APPLICABLE, commit=course.head, summary=summary))
    return {**course.data(), "verdict": GateOutcome.NOT_APPLICABLE.value, "summary": summary}
