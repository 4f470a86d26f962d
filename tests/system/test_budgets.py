"""Budgets in a whole run: never exceeded, whoever's they are; after a raise the same conversation goes on."""

from __future__ import annotations

from decimal import Decimal

import pytest
from script import adds_farewell, shell, straight

from adw.control.budgets import Budgets
from adw.domain.budget import BudgetScope
from adw.store.approvals import list_approvals

pytestmark = pytest.mark.runtime("plain")

DEAR = shell("echo this was dear") | {"usage": {"output_tokens": 3_300}}
"""Three cents and a half, as the model itself counts it."""


async def sessions(system, adw_id):
    return [each.session_id for each in await system.agents(adw_id) if each.agent_name == "implementor"]


async def test_five_cents_are_never_exceeded_and_a_raise_continues_the_same_conversation(system, repository):
    system.model.follow(straight(build=[DEAR, adds_farewell()]))
    waiting = await system.run(repository, budget_usd=Decimal("0.05"))
    assert (waiting.status, waiting.wait_reason, waiting.wait_scope) == ("waiting", "budget", None), waiting.failure
    assert Decimal("0.01") < (await system.usage(waiting.adw_id)).cost_usd <= Decimal("0.05")
    assert modelled_usd(system.model.journal.totals) <= Decimal("0.05"), "the model's own count"
    begun = await sessions(system, waiting.adw_id)

    await system.control.decide(waiting.adw_id, allow=True, actor="person", budget_usd=Decimal(5))
    workflow = await system.completed(waiting.adw_id)

    assert await sessions(system, workflow.adw_id) == begun
    assert system.model.conversations("implementor") == 1
    booked, counted = (await system.usage(workflow.adw_id)).tokens, system.model.journal.totals
    assert (booked.input, booked.output) == (counted.input_tokens, counted.output_tokens)


async def test_a_projects_budget_is_never_exceeded_and_a_raise_continues_every_conversation(scene, repository):
    """Nobody is asked: it is no workflow's own budget. The raise alone lets both go on, by themselves."""
    budgets = Budgets(database=scene.foundation.database)
    scene.model.follow(straight(build=[DEAR, adds_farewell()]))
    first, second = [await scene.accept(repository, prompt=f"Say farewell {number}") for number in range(2)]
    of = {"project_id": first.project_id, "actor": "ada"}
    await budgets.set_to(BudgetScope.PROJECT_TOTAL, budget_usd=Decimal("0.055"), **of)
    scene.fork_worker()
    waiting = [await scene.becomes(each.adw_id, "waiting") for each in (first, second)]
    assert {(each.wait_reason, each.wait_scope) for each in waiting} == {("budget", "project_total")}
    [account] = await budgets.in_force(project_id=first.project_id)
    assert Decimal(0) < account.spent_usd <= Decimal("0.055")
    assert account.spent_usd == sum([(await scene.usage(each.adw_id)).cost_usd for each in waiting])
    begun = [await sessions(scene, each.adw_id) for each in waiting]
    [told, *_] = await scene.events(first.adw_id, "workflow_waiting")
    assert "adw budget set --project" in told.message
    async with scene.foundation.database.read() as connection:
        assert await list_approvals(connection, adw_id=first.adw_id) == []

    await budgets.set_to(BudgetScope.PROJECT_TOTAL, budget_usd=Decimal(5), **of)
    flows = [await scene.becomes(each.adw_id, "completed") for each in waiting]

    again = [await sessions(scene, each.adw_id) for each in flows]
    assert [now[: len(before)] for now, before in zip(again, begun, strict=True)] == begun
    warned = [event for each in flows for event in await scene.events(each.adw_id, "budget_warning")]
    assert [event.data["scope"] for event in warned] in ([], ["project_total"])
    await budgets.lift(BudgetScope.PROJECT_TOTAL, project_id=first.project_id)


def modelled_usd(totals) -> Decimal:
    """What the scripted model says it was asked and has answered, at the dearest price in use."""
    return Decimal(totals.input_tokens * 2 + totals.output_tokens * 10) / 1_000_000
