"""How the untouched base commit behaves: run once for each commit, commands and environment, beside the planner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from adw.domain.checks import CheckOutcome
from adw.domain.events import EventType, NewEvent
from adw.domain.testing import TestReport, TestRun, decode_run, encode_run
from adw.domain.verdict import Baseline, settle_baseline, to_rerun_on_base
from adw.kit.errors import AdwError
from adw.ports.commands import Command, CommandSet, Place
from adw.store.locks import advisory_lock
from adw.store.results import get_baseline, save_baseline
from adw.workflows.context import PhaseContext
from adw.workflows.worktree import Worktree, place_of

BASELINE_PREFIX = "baseline-"
"""What the names of baselines' workspaces begin with; the workflow's id follows."""

_CHECKS: TypeAdapter[CheckOutcome] = TypeAdapter(CheckOutcome)
_here: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def ensure_baseline(ctx: PhaseContext, worktree: Worktree) -> Mapping[str, Any]:
    """The base's results, from the database or run now in a workspace of their own."""
    services = ctx.services
    base = ctx.run.workflow.base_sha
    identity = services.commands.environment_hash(worktree.path, _wanted(ctx, worktree.commands))
    known = await _find(ctx, identity)
    if known is not None:
        return known
    async with AsyncExitStack() as stack:
        lock = _here.setdefault(f"{ctx.run.project.id}:{base}:{identity}", asyncio.Lock())
        await stack.enter_async_context(lock)
        await stack.enter_async_context(
            advisory_lock(services.database, f"adw.baseline:{ctx.run.project.id}:{base}:{identity}")
        )
        known = await _find(ctx, identity)
        if known is not None:
            return known
        result = await _run(ctx, worktree)
        async with services.database.begin() as connection:
            await save_baseline(
                connection, project_id=ctx.run.project.id, commit=base, config_hash=identity, result=result
            )
        return result


def baseline_tests(result: Mapping[str, Any], *, gate: str = "tests") -> Baseline | None:
    """The base's run of a suite, `tests` or `e2e`; None when there was nothing to run."""
    if result.get(gate) is None:
        return None
    return Baseline(run=decode_run(result[gate]), flaky=frozenset(result["flaky"]))


def baseline_checks(result: Mapping[str, Any]) -> dict[str, CheckOutcome]:
    """The base's build and lint outcomes by name."""
    return {each["name"]: decode_check(each) for each in result.get("checks", [])}


def encode_check(outcome: CheckOutcome) -> dict[str, Any]:
    return _CHECKS.dump_python(outcome, mode="json")


def decode_check(value: Mapping[str, Any]) -> CheckOutcome:
    return _CHECKS.validate_python(value)


def counts(run: TestRun | None) -> dict[str, int] | None:
    """Passed, failed and skipped; None when there is nothing to count."""
    if not isinstance(run, TestReport):
        return None
    return {"passed": run.passed, "failed": run.failed, "skipped": run.skipped}


def _wanted(ctx: PhaseContext, commands: CommandSet) -> CommandSet:
    """Without what somebody asked to leave out; such a baseline is one of its own."""
    return replace(commands, e2e=None) if ctx.run.workflow.options.skip_e2e else commands


async def _find(ctx: PhaseContext, identity: str) -> Mapping[str, Any] | None:
    """What is known; a base that could not be tested is tried again, for what was in the way may be gone."""
    async with ctx.services.database.read() as connection:
        known = await get_baseline(
            connection,
            project_id=ctx.run.project.id,
            commit=ctx.run.workflow.base_sha,
            config_hash=identity,
        )
    return None if known is None or "problem" in known else known


async def _run(ctx: PhaseContext, worktree: Worktree) -> dict[str, Any]:
    """Sets up a detached workspace, runs checks and tests there, and removes it again."""
    services = ctx.services
    name = f"{BASELINE_PREFIX}{ctx.adw_id}"
    await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message="testing the untouched base"))
    workspace = await services.workspaces.prepare_detached(
        repository=services.access.repository(ctx.run.project), name=name, sha=ctx.run.workflow.base_sha
    )
    try:
        commands = _wanted(ctx, services.commands.detect(workspace.path, ctx.run.config.commands))
        reports = services.work_dir / ctx.adw_id / "baseline"
        place = place_of(ctx, workspace, report_dir=reports, env=worktree.environment)
        return await _observe(ctx, commands, place)
    except AdwError as error:
        return {"tests": None, "e2e": None, "checks": [], "flaky": [], "counts": None, "problem": error.message}
    finally:
        await services.workspaces.remove(name)


async def _observe(ctx: PhaseContext, commands: CommandSet, place: Place) -> dict[str, Any]:
    run_commands = ctx.services.commands
    setup = await run_commands.run_setup(commands, place=place)
    if setup is not None and not setup.ok:
        problem = f"set-up of the base failed: {setup.output_tail[-500:]}"
        return {"tests": None, "e2e": None, "checks": [], "flaky": [], "counts": None, "problem": problem}
    checks = await run_commands.run_checks(commands, place=place)
    result: dict[str, Any] = {"checks": [encode_check(each) for each in checks], "tests": None, "flaky": []}
    if commands.test is not None:
        settled = await _settled(ctx, commands.test, place)
        result |= {"tests": encode_run(settled.run), "flaky": sorted(settled.flaky), "counts": counts(settled.run)}
    if commands.e2e is not None:
        settled = await _settled(ctx, commands.e2e, place)
        result |= {"e2e": encode_run(settled.run), "flaky": sorted({*result["flaky"], *settled.flaky})}
    return result


async def _settled(ctx: PhaseContext, command: Command, place: Place) -> Baseline:
    """One run on the base; what fails there is run once more, to know it from what only flickers."""
    run_commands = ctx.services.commands
    run = await run_commands.run_tests(command, place=place)
    again = to_rerun_on_base(run)
    reruns = await run_commands.rerun(command, test_ids=again, times=1, place=place)
    return settle_baseline(run, reruns=reruns)
