"""Budgets of projects and of everything together: looking at them, setting and lifting them."""

from __future__ import annotations

import os
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query

from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.paths import check_path
from adw.api.services import ApiServices
from adw.api.views.budgets import BudgetList, BudgetView, budget_view
from adw.api.wire import Actor, Amount, Body
from adw.control.budgets import Budgets
from adw.domain.budget import BudgetScope
from adw.store.projects import find_project

router = APIRouter(prefix="/api/budgets", tags=["budgets"], responses=problems(404))

Period: TypeAlias = Literal["month", "total"]
OfProject: TypeAlias = Annotated[
    str | None, Query(max_length=4096, description="Id, name or path; left out: all projects together")
]


class BudgetBody(Body):
    """How much may be spent."""

    budget_usd: Amount
    actor: Actor = "api"


@router.get("")
async def list_budgets(
    services: Services,
    project: Annotated[
        str | None, Query(max_length=4096, description="Only what bounds this project: id, name or path")
    ] = None,
) -> BudgetList:
    """Budgets that are set, with what is spent of them."""
    found = await _budgets(services).in_force(project_id=await _id_of(services, project))
    return BudgetList(budgets=tuple(map(budget_view, found)))


@router.put("/{period}")
async def set_budget(services: Services, period: Period, body: BudgetBody, project: OfProject = None) -> BudgetView:
    """Sets a budget, or changes it. Workflows that wait for it go on by themselves when it has room for them."""
    project_id = await _id_of(services, project)
    scope = _scope(period, is_global=project_id is None)
    found = await _budgets(services).set_to(scope, project_id=project_id, budget_usd=body.budget_usd, actor=body.actor)
    return budget_view(found)


@router.delete("/{period}")
async def clear_budget(services: Services, period: Period, project: OfProject = None) -> BudgetList:
    """Lifts a budget. What remains in force for the project, or for all, is told."""
    project_id = await _id_of(services, project)
    budgets = _budgets(services)
    await budgets.lift(_scope(period, is_global=project_id is None), project_id=project_id)
    return BudgetList(budgets=tuple(map(budget_view, await budgets.in_force(project_id=project_id))))


def _budgets(services: ApiServices) -> Budgets:
    return Budgets(database=services.database)


def _scope(period: Period, *, is_global: bool) -> BudgetScope:
    if is_global:
        return BudgetScope.GLOBAL_MONTH if period == "month" else BudgetScope.GLOBAL_TOTAL
    return BudgetScope.PROJECT_MONTH if period == "month" else BudgetScope.PROJECT_TOTAL


async def _id_of(services: ApiServices, reference: str | None) -> str | None:
    if reference is None:
        return None
    wanted = os.path.realpath(check_path(reference)) if reference.startswith("/") else reference
    async with services.database.read() as connection:
        return (await find_project(connection, wanted)).id
