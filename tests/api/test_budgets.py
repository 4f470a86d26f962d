from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import text
from tests.api.stage import WORKFLOWS, Stage

from adw.domain.events import EventType
from adw.domain.status import Status


async def test_budgets_are_set_changed_listed_and_lifted(stage: Stage):
    project = (await stage.work()).project_id
    made = await stage.http.put("/api/budgets/month", json={"budgetUsd": 20, "actor": "pat"})
    total = await stage.http.put("/api/budgets/total", params={"project": str(stage.repository)}, json={"budgetUsd": 5})

    assert (made.status_code, total.status_code) == (200, 200)
    assert made.json() | {"periodStart": None} == {
        "projectId": None,
        "period": "month",
        "budgetUsd": 20.0,
        "spentUsd": 0.0,
        "heldUsd": 0.0,
        "leftUsd": 20.0,
        "periodStart": None,
        "setBy": "pat",
        "warned": False,
    }
    assert made.json()["periodStart"].endswith("-01T00:00:00Z")
    assert (total.json()["projectId"], total.json()["periodStart"]) == (project, None)
    changed = await stage.http.put("/api/budgets/month", json={"budgetUsd": 30})
    assert (changed.json()["budgetUsd"], changed.json()["setBy"]) == (30.0, "api")
    listed = (await stage.http.get("/api/budgets", params={"project": project})).json()["budgets"]
    assert [each["budgetUsd"] for each in listed] == [30.0, 5.0]

    left = await stage.http.delete("/api/budgets/month")
    assert [each["period"] for each in left.json()["budgets"]] == ["total"]
    gone = await stage.http.delete("/api/budgets/month")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("amount", [0, -1, True, "much", None])
async def test_amounts_that_are_none_are_refused(shared: Stage, amount: object):
    answer = await shared.http.put("/api/budgets/month", json={"budgetUsd": amount})

    assert answer.status_code == 422


async def test_projects_nobody_knows_and_other_periods_are_refused(shared: Stage):
    answer = await shared.http.put("/api/budgets/month", params={"project": "nowhere"}, json={"budgetUsd": 1})

    assert answer.status_code == 404
    assert (await shared.http.put("/api/budgets/year", json={"budgetUsd": 1})).status_code == 422


async def test_a_workflow_that_waits_for_a_limit_tells_until_when_and_may_be_resumed_early(stage: Stage):
    adw_id = (await stage.work(budget_usd=Decimal(1))).adw_id
    await stage.activate(adw_id)
    await stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="usage_limit")
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE adw_workflows SET resume_at = '2030-01-02T03:04:05Z', wait_scope = 'c/'"))

    seen = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
    assert (seen["waitReason"], seen["resumeAt"], seen["waitScope"]) == ("usage_limit", "2030-01-02T03:04:05Z", "c/")

    resumed = (await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume")).json()["workflow"]
    assert (resumed["status"], resumed["resumeAt"]) == ("active", None)
