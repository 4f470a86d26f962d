"""Questions that wait for a person, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.services import ApiServices
from adw.api.views.approvals import ApprovalList, ApprovalView
from adw.api.views.building import workflow_view
from adw.api.views.workflow import WorkflowView
from adw.api.wire import ActorBody, Amount, Wire
from adw.store.approvals import list_approvals as approvals_of
from adw.store.workflows import resolve_prefix

router = APIRouter(prefix="/api/approvals", tags=["approvals"], responses=problems(404))

Reference = Annotated[
    str, Path(max_length=100, description="The beginning of its id, or of a workflow's that has one open question")
]


class DenyBody(ActorBody):
    """No, and why."""

    reason: str | None = Field(default=None, min_length=1, max_length=4000)


class AllowBody(DenyBody):
    """Yes. A budget is raised to `budgetUsd`, its new total; an agent makes its call with `input` instead."""

    budget_usd: Amount | None = None
    plan: str | None = Field(
        default=None,
        min_length=1,
        max_length=100_000,
        description="All of the plan, edited, in place of the one asked about",
    )
    input: dict[str, Any] | None = Field(
        default=None, description="All of the input, edited, of the call of a tool that is asked about"
    )


class DecidedView(Wire):
    """The approval as decided, and what became of its workflow."""

    approval: ApprovalView
    workflow: WorkflowView


@router.get("")
async def list_approvals(
    services: Services,
    adw_id: Annotated[str | None, Query(alias="adwId", min_length=1, description="Of one workflow")] = None,
    *,
    pending: Annotated[bool, Query(description="Only those without an answer")] = False,
) -> ApprovalList:
    """Questions, oldest first."""
    async with services.database.read() as connection:
        full = None if adw_id is None else await resolve_prefix(connection, adw_id)
        found = await approvals_of(connection, adw_id=full, pending_only=pending)
    return ApprovalList(approvals=tuple(ApprovalView.model_validate(approval) for approval in found))


@router.post("/{reference}/allow", responses=problems(404, 409, 502))
async def allow_approval(services: Services, reference: Reference, body: AllowBody | None = None) -> DecidedView:
    """Says yes; the workflow goes on."""
    sent = body or AllowBody()
    if sent.plan is not None:
        await services.steering.edit_plan(reference, text=sent.plan, actor=sent.actor)
    return await _decide(services, reference, sent, allow=True, budget_usd=sent.budget_usd, edited_input=sent.input)


@router.post("/{reference}/deny", responses=problems(404, 409))
async def deny_approval(services: Services, reference: Reference, body: DenyBody | None = None) -> DecidedView:
    """Says no; the workflow fails, unless it is an agent that asks: that goes on without."""
    return await _decide(services, reference, body or DenyBody(), allow=False, budget_usd=None)


async def _decide(
    services: ApiServices,
    reference: str,
    body: DenyBody,
    *,
    allow: bool,
    budget_usd: Decimal | None,
    edited_input: Mapping[str, Any] | None = None,
) -> DecidedView:
    approval, workflow = await services.control.decide(
        reference,
        allow=allow,
        actor=body.actor,
        reason=body.reason,
        budget_usd=budget_usd,
        edited_input=edited_input,
    )
    async with services.database.read() as connection:
        view = await workflow_view(connection, workflow)
    return DecidedView(approval=ApprovalView.model_validate(approval), workflow=view)
