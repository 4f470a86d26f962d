"""What becomes of a request for work: new work, or a workflow of ours that goes on; done, or only looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath

from adw.api.services import ApiServices
from adw.api.views.building import workflow_view
from adw.api.views.orders import PreviewView, finding_view, refused
from adw.api.views.projects import CommandsView, commands_view
from adw.api.views.workflow import AcceptedView
from adw.control.follow_up import FollowUp, check_state, follow_up
from adw.domain.agent import ModelSet
from adw.domain.config import ProjectConfig
from adw.domain.kinds import canonical_kind, with_phase
from adw.domain.project import Project
from adw.domain.roles import roles_of
from adw.domain.workflow import Workflow
from adw.intake.candidate import Finding
from adw.intake.service import WorkRequest
from adw.kit.errors import AdwError, UsageError
from adw.project.base_files import BaseFiles
from adw.store.projects import get_project
from adw.store.workflows import require_workflow


async def hand_in(services: ApiServices, request: WorkRequest) -> AcceptedView:
    """Takes the request. Raises what intake and control refuse with."""
    earlier = await services.intake.earlier(request)
    if earlier is not None:
        _check_follow_up(request, earlier)
        return await go_on(services, earlier, _order(request))
    taken = await services.intake.accept(request)
    return await accepted(services, taken.workflow, notes=taken.notes)


async def go_on(services: ApiServices, earlier: Workflow, order: FollowUp) -> AcceptedView:
    """Adds a phase to a workflow of ours, if there is room for it."""
    await services.intake.check_room(earlier)
    return await accepted(services, await follow_up(services.database, earlier.adw_id, order))


async def check_room(services: ApiServices, adw_id: str) -> None:
    """Raises what new work would be refused with, when the machine or the month's money is used up."""
    async with services.database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
    await services.intake.check_room(workflow)


async def preview(services: ApiServices, request: WorkRequest) -> PreviewView:
    """What the request would become. Nothing is written."""
    earlier = await services.intake.earlier(request)
    if earlier is not None:
        return await _preview_follow_up(services, request, earlier)
    return await _preview_new(services, request)


async def accepted(services: ApiServices, workflow: Workflow, *, notes: tuple[str, ...] = ()) -> AcceptedView:
    """The answer to whoever handed it in."""
    async with services.database.read() as connection:
        view = await workflow_view(connection, workflow)
    return AcceptedView(adw_id=workflow.adw_id, workflow=view, notes=notes)


def _order(request: WorkRequest) -> FollowUp:
    return FollowUp(
        phase=request.kind,
        actor=request.actor,
        model_set=request.model_set,
        options=request.options,
        key=request.idempotency_key,
    )


def _check_follow_up(request: WorkRequest, earlier: Workflow) -> None:
    """A workflow that goes on keeps its words and its money."""
    says_the_same = request.issue_number in {None, earlier.issue_number}
    if request.text or not says_the_same:
        raise UsageError(
            f"workflow {earlier.adw_id} goes on with what it was asked to do",
            hint="leave the issue or sentence out, or start new work without `--on`",
        )
    if request.depends_on:
        raise UsageError(
            f"workflow {earlier.adw_id} has begun and waits for nobody",
            hint="leave `--after` out, or start new work without `--on`",
        )
    if request.budget_usd is not None:
        raise UsageError(
            f"workflow {earlier.adw_id} keeps its budget",
            hint="leave `--budget` out; it asks for more when the money is used up",
        )


async def _preview_new(services: ApiServices, request: WorkRequest) -> PreviewView:
    preview = await services.intake.preview(request)
    candidate = preview.candidate
    model_set = request.model_set or candidate.config.agents.model_set or ModelSet.BASE
    base = candidate.found.base
    return PreviewView(
        success=refused(preview.findings) is None,
        adw_id=None,
        workflow_type=candidate.kind,
        phases=candidate.phases,
        base_branch=base.name,
        base_sha=base.sha,
        model_set=model_set,
        models=_models(services, candidate.phases, model_set, candidate.config),
        budget_usd=candidate.budget_usd,
        commands=await _commands(services, candidate.project, candidate.config),
        findings=tuple(finding_view(each) for each in preview.findings),
        notes=preview.notes,
    )


async def _preview_follow_up(services: ApiServices, request: WorkRequest, earlier: Workflow) -> PreviewView:
    async with services.database.read() as connection:
        project = await get_project(connection, earlier.project_id)
    config = await BaseFiles(access=services.access, project=project, sha=earlier.base_sha).config()
    kind = canonical_kind(request.kind)
    phases, model_set = with_phase(earlier.phases, kind), request.model_set or earlier.model_set
    finding = await _may_go_on(services, request, earlier)
    return PreviewView(
        success=finding.refusal is None,
        adw_id=earlier.adw_id,
        workflow_type=kind,
        phases=phases,
        base_branch=earlier.base_branch,
        base_sha=earlier.base_sha,
        model_set=model_set,
        models=_models(services, (kind,), model_set, config),
        budget_usd=earlier.budget_usd,
        commands=await _commands(services, project, config),
        findings=(finding_view(finding),),
        notes=(),
    )


async def _may_go_on(services: ApiServices, request: WorkRequest, earlier: Workflow) -> Finding:
    try:
        _check_follow_up(request, earlier)
        check_state(earlier)
        await services.intake.check_room(earlier)
    except AdwError as error:
        return Finding(check="workflow", message=error.message, refusal=error)
    return Finding(check="workflow", message=f"workflow {earlier.adw_id} goes on")


def _models(
    services: ApiServices, phases: tuple[str, ...], model_set: ModelSet, config: ProjectConfig
) -> dict[str, str]:
    with_prompt = [name for name, entry in config.phases.items() if entry.prompt is not None]
    roles = roles_of(phases, with_prompt=with_prompt)
    return {role.value: services.pick_model(role, model_set, config) for role in roles}


async def _commands(services: ApiServices, project: Project, config: ProjectConfig) -> CommandsView | None:
    """Found in a person's checkout as it is now, with the settings of the base commit."""
    folder = FilePath(project.source)
    if not folder.is_absolute() or not (folder / ".git").exists():
        return None
    return commands_view(await asyncio.to_thread(services.commands.detect, folder, config.commands))
