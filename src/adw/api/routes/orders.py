"""Handing in work: new work, a single phase on earlier work, and a look at what would become of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path
from pydantic import Field, StrictBool, StrictInt

from adw.api.inputs import AdwId, IdempotencyKey, Services
from adw.api.openapi import problems
from adw.api.ordering import go_on, hand_in, preview
from adw.api.paths import check_reference
from adw.api.views.orders import PreviewView
from adw.api.views.workflow import AcceptedView
from adw.api.wire import Actor, Amount, Body, Line, Number
from adw.control.follow_up import FollowUp
from adw.domain.agent import ModelSet
from adw.domain.kinds import ON_EARLIER_WORK
from adw.domain.workflow import WorkflowOptions
from adw.intake.dependencies import MOST
from adw.intake.service import WorkRequest
from adw.store.workflows import require_workflow

router = APIRouter(prefix="/api/adw/workflows", tags=["workflows"], responses=problems(404, 409, 502))

MAX_PRIORITY = 1000
Priority: TypeAlias = Annotated[StrictInt, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Larger starts sooner")]


class OptionsBody(Body):
    """Choices about how the work is done."""

    skip_e2e: StrictBool = False
    auto_resolve: StrictBool = True
    plan_approval: StrictBool | None = None

    @property
    def options(self) -> WorkflowOptions:
        return WorkflowOptions(skip_e2e=self.skip_e2e, auto_resolve=self.auto_resolve, plan_approval=self.plan_approval)


class NewWorkBody(Body):
    """Work to be done: an issue by its number, or a sentence that becomes one."""

    project: str = Field(min_length=1, max_length=4096, description="An absolute path, `owner/name`, or a project's id")
    issue_number: Number | None = None
    prompt: str | None = Field(default=None, min_length=1, max_length=60_000)
    create_issue: StrictBool = Field(
        default=False, description="Makes an issue of the prompt on GitHub too; the local forge always does"
    )
    model_set: ModelSet | None = None
    budget_usd: Amount | None = None
    priority: Priority = 0
    depends_on: tuple[Line, ...] = Field(
        default=(), max_length=MOST, description="Workflows that have to be done first: ids, or unique beginnings"
    )
    options: OptionsBody = OptionsBody()
    actor: Actor = "api"


class WorkBody(NewWorkBody):
    """The same with its kind; a single phase other than plan also names the work it is done on."""

    workflow_type: str = Field(min_length=1, max_length=100, description="Which phases, e.g. `plan-build-test`")
    on: Line | None = Field(
        default=None, description="For a single phase: a workflow's id, a branch, or a pull request's number"
    )


class PhaseBody(Body):
    """How a phase is to be done; what is left out stays as it was."""

    model_set: ModelSet | None = None
    options: OptionsBody | None = None
    actor: Actor = "api"


@router.post("", status_code=201)
async def create_workflow(services: Services, body: WorkBody, idempotency_key: IdempotencyKey) -> AcceptedView:
    """Takes work in. It is queued at once and done as soon as a worker is free."""
    return await hand_in(services, _request(body, body.workflow_type, on=body.on, key=idempotency_key))


@router.post("/preview")
async def preview_workflow(services: Services, body: WorkBody) -> PreviewView:
    """What the same request would become: its phases, commands, models and budget, and what speaks against it.

    Nothing is written and nothing is spent.
    """
    return await preview(services, _request(body, body.workflow_type, on=body.on, key=None))


@router.post("/patch", status_code=201)
async def patch_workflow(services: Services, body: NewWorkBody, idempotency_key: IdempotencyKey) -> AcceptedView:
    """Takes in a small change: a short plan, build and test."""
    return await hand_in(services, _request(body, "patch", on=None, key=idempotency_key))


@router.post("/quick/{kind}", status_code=201)
async def quick_workflow(
    services: Services,
    kind: Annotated[str, Path(max_length=100, description="Which phases, e.g. `plan-build-test`")],
    body: NewWorkBody,
    idempotency_key: IdempotencyKey,
) -> AcceptedView:
    """Takes work in, its kind named in the address."""
    return await hand_in(services, _request(body, kind, on=None, key=idempotency_key))


def _phase_route(phase: str) -> Callable[..., Awaitable[AcceptedView]]:
    async def run_phase(
        services: Services, adw_id: AdwId, idempotency_key: IdempotencyKey, body: PhaseBody | None = None
    ) -> AcceptedView:
        wanted = body or PhaseBody()
        options = None if wanted.options is None else wanted.options.options
        order = FollowUp(
            phase=phase, actor=wanted.actor, model_set=wanted.model_set, options=options, key=idempotency_key
        )
        async with services.database.read() as connection:
            earlier = await require_workflow(connection, adw_id)
        return await go_on(services, earlier, order)

    run_phase.__doc__ = f"Runs {phase} on a workflow that has completed or failed; what it ends with is renewed."
    return run_phase


for _phase in sorted(ON_EARLIER_WORK):
    router.add_api_route(
        f"/{{adw_id}}/{_phase}", _phase_route(_phase), methods=["POST"], status_code=201, name=f"run_{_phase}"
    )


def _request(body: NewWorkBody, kind: str, *, on: str | None, key: str | None) -> WorkRequest:
    return WorkRequest(
        project=check_reference(body.project),
        kind=kind,
        actor=body.actor,
        source="api",
        issue_number=body.issue_number,
        prompt=body.prompt,
        create_issue=body.create_issue,
        on=on,
        model_set=body.model_set,
        budget_usd=body.budget_usd,
        priority=body.priority,
        depends_on=body.depends_on,
        options=body.options.options,
        idempotency_key=key,
    )
