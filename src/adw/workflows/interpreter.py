"""Runs one leg: the workflow's phases, in order, until all are done or something has to wait.

It knows no phase by what it does; phases are looked up by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar, cast

import structlog

from adw.domain.config import ProjectConfig
from adw.domain.failure import POLICIES, Failure, FailureClass
from adw.domain.kinds import Phase
from adw.domain.places import presence_file
from adw.kit.errors import AdwError, ForgeLimitError
from adw.kit.presence import present
from adw.ports.engine import JsonObject, JsonValue, Leg
from adw.project.base_files import BaseFiles
from adw.store import projects, usage
from adw.store.events import FencedError
from adw.store.workflows import claim_ownership, require_workflow
from adw.workflows.comments import announce_failure, announce_question, announce_status
from adw.workflows.context import PhaseContext, Run
from adw.workflows.dependents import from_present_base
from adw.workflows.endings import LegEnded, PhaseFailed, classify_error
from adw.workflows.lifecycle import (
    complete_phase,
    complete_workflow,
    fail_phase,
    fail_workflow,
    start_phase,
)
from adw.workflows.limits import wait_for_forge
from adw.workflows.opening import adopted_before_ending, carry_out, next_phase, read_opening
from adw.workflows.phases import build, custom, document, finish, plan, respond, review, ship, test
from adw.workflows.rounds import answer_round
from adw.workflows.services import Services

PHASES: Mapping[str, Callable[[PhaseContext], Awaitable[Mapping[str, Any]]]] = {
    Phase.PLAN: plan.run,
    Phase.BUILD: build.run,
    Phase.TEST: test.run,
    Phase.REVIEW: review.run,
    Phase.DOCUMENT: document.run,
    Phase.RESPOND: respond.run,
    Phase.SHIP: ship.run,
    Phase.FINISH: finish.run,
}

T = TypeVar("T")

_log = structlog.get_logger(component="workflow")


def interpreter(services: Services) -> Callable[[Leg, JsonObject], Awaitable[JsonValue]]:
    """The function the engine calls for each leg."""

    async def interpret(leg: Leg, payload: JsonObject) -> JsonValue:
        adw_id = str(payload["adw_id"])
        with structlog.contextvars.bound_contextvars(adw_id=adw_id, run_id=leg.run_id):
            try:
                run = await _take(services, leg, adw_id, number=cast("int", payload["leg"]))
            except FencedError:
                return "taken over"
            return await _interpret(run, [str(p) for p in cast("list[str]", payload["phases"])])

    return interpret


async def _interpret(run: Run, names: list[str]) -> str:
    try:
        run = await _informed(await from_present_base(run))
        with present(presence_file(run.services.work_dir, run.adw_id)):
            await _run_phases(run, names)
            await complete_workflow(run)
    except LegEnded as ended:
        return f"ended: {ended}"
    except FencedError:
        return "taken over"
    except AdwError as error:
        _log.warning("leg_error", error=str(error), code=error.code)
        failed = classify_error(error)
        return await _give_up(run, Failure(failure_class=failed.failure_class, message=failed.message))
    except Exception as error:  # noqa: BLE001 # the outermost frame of a workflow: whatever escapes is a defect, told as such
        _log.exception("workflow_defect")
        failure = Failure(failure_class=FailureClass.INTERNAL, message=f"{type(error).__name__}: {error}")
        return await _give_up(run, failure)
    return "completed"


async def _run_phases(run: Run, names: list[str]) -> None:
    opening = await read_opening(run)
    for number in count():
        upcoming = await next_phase(run, names, number=number)
        if number == 0 and opening.has_work:
            ctx = _before(run, upcoming or (names[-1], 1), part="opening.")
            await _prepare(ctx, carry_out(ctx, opening))
            continue
        if upcoming is None:
            return
        ctx = _before(run, upcoming, part=f"before{number}.")
        if not await _prepare(ctx, adopted_before_ending(ctx)):
            await _prepare(ctx, answer_round(ctx))
            await _run_phase(run, *upcoming)


def _before(run: Run, upcoming: tuple[str, int], *, part: str) -> PhaseContext:
    phase, attempt = upcoming
    return PhaseContext(run=run, phase=phase, attempt=attempt, part=part)


async def _prepare(ctx: PhaseContext, work: Awaitable[T]) -> T:
    """What is done between phases; failing, it fails the workflow and ends the leg."""
    try:
        return await work
    except LegEnded as ended:
        if ended.question is not None:
            await announce_question(ctx, ended.question)
        raise
    except PhaseFailed as failed:
        failure = failed.failure(ctx.phase)
    except FencedError:
        raise
    except ForgeLimitError as error:
        await wait_for_forge(ctx, error)
    except AdwError as error:
        _log.warning("preparation_error", phase=ctx.phase, error=str(error), code=error.code)
        failure = classify_error(error).failure(ctx.phase)
    await fail_workflow(ctx.run, failure, name=f"{ctx.part}workflow_failed")
    await announce_failure(ctx, failure)
    raise LegEnded(failure.message)


async def _give_up(run: Run, failure: Failure) -> str:
    try:
        await fail_workflow(run, failure, name="defect")
    except FencedError:
        return "taken over"
    return f"failed: {failure.failure_class}"


async def _run_phase(run: Run, phase: str, first_attempt: int) -> None:
    """Tries a phase, again if its class of failure is worth it; then fails the workflow and ends the leg."""
    attempt = first_attempt
    while True:
        ctx = PhaseContext(run=run, phase=phase, attempt=attempt)
        try:
            failed = await _attempt(ctx)
        except LegEnded as ended:
            if ended.question is not None:
                await announce_question(ctx, ended.question)
            raise
        if failed is None:
            await announce_status(ctx)
            return
        await fail_phase(ctx, failed)
        if failed.final or attempt - first_attempt >= POLICIES[failed.failure_class].automatic_retries:
            break
        attempt += 1
    await fail_workflow(run, failed, name=f"{phase}.{attempt}.workflow_failed")
    await announce_failure(ctx, failed)
    raise LegEnded(failed.message)


async def _attempt(ctx: PhaseContext) -> Failure | None:
    await start_phase(ctx)
    try:
        data = await PHASES.get(ctx.phase, custom.run)(ctx)
        await complete_phase(ctx, data)
    except PhaseFailed as failed:
        return failed.failure(ctx.phase)
    except FencedError:
        raise
    except ForgeLimitError as error:
        await wait_for_forge(ctx, error)
    except AdwError as error:
        _log.warning("phase_error", phase=ctx.phase, error=str(error), code=error.code)
        return classify_error(error).failure(ctx.phase)
    return None


async def _take(services: Services, leg: Leg, adw_id: str, *, number: int) -> Run:
    """Takes the workflow: whoever had it before can write nothing more, and what it left reserved is booked.

    Raises FencedError when another leg has begun since this one was queued.
    """
    async with services.database.begin() as connection:
        epoch = await claim_ownership(connection, adw_id, owner_id=leg.executor_id, leg=number)
        await usage.book_orphans(connection, adw_id=adw_id)
        workflow = await require_workflow(connection, adw_id)
        project = await projects.get_project(connection, workflow.project_id)
    return Run(services=services, leg=leg, workflow=workflow, project=project, config=ProjectConfig(), epoch=epoch)


async def _informed(run: Run) -> Run:
    """With the settings and the agents' guidance of the base commit."""
    files = BaseFiles(access=run.services.access, project=run.project, sha=run.workflow.base_sha)
    config = await files.config()
    await files.check(config, run.workflow.phases)
    prompts = run.services.prompts.with_guidance(await files.guidance())
    return replace(run, config=config, services=replace(run.services, prompts=prompts))
