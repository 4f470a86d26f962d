from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.api.problem import unusable
from tests.api.stage import WORKFLOWS, Stage

from adw.domain.approval import Approval, ApprovalKind
from adw.domain.events import EventType
from adw.domain.status import Status
from adw.store import approvals
from adw.store.orders import OrderKind, open_order


async def waiting(stage: Stage, kind: ApprovalKind = ApprovalKind.PLAN, reason: str = "approval") -> Approval:
    adw_id = (await stage.work(budget_usd=Decimal(1))).adw_id
    await stage.activate(adw_id)
    asked = await stage.ask(adw_id, kind)
    await stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason=reason)
    return asked


async def test_open_questions_are_listed_and_shown_on_their_workflow(stage: Stage):
    asked = await waiting(stage)
    listed = (await stage.http.get("/api/approvals")).json()["approvals"]
    assert listed == (await stage.http.get(f"{WORKFLOWS}/{asked.adw_id}")).json()["approvals"]
    assert (listed[0]["id"], listed[0]["question"], listed[0]["data"]) == (str(asked.id), "May it?", {"a": 1})
    assert (listed[0]["decision"], listed[0]["decidedBy"]) == ("pending", None)


async def test_an_answer_to_an_agent_moves_nothing_but_its_question(stage: Stage):
    budget = await waiting(stage, ApprovalKind.BUDGET, "budget")
    async with stage.database.begin() as connection:
        asked = [
            (
                await approvals.ask(
                    connection, adw_id=budget.adw_id, kind=ApprovalKind.QUESTION, key=key, question="?", data={}
                )
            )[0]
            for key in "ab"
        ]
    wordless = await stage.http.post(f"/api/approvals/{asked[0].id}/allow")
    assert wordless.json()["code"] == "usage"
    said = await stage.http.post(f"/api/approvals/{asked[0].id}/allow", json={"reason": "Berlin"})
    no = await stage.http.post(f"/api/approvals/{asked[1].id}/deny")
    for answer in (said, no):
        assert (answer.json()["workflow"]["status"], answer.json()["workflow"]["waitReason"]) == ("waiting", "budget")


async def test_a_call_of_an_agent_is_allowed_as_it_is_with_another_input_or_not_at_all(stage: Stage):
    budget = await waiting(stage, ApprovalKind.BUDGET, "budget")
    allowed, edited, denied = [await stage.ask(budget.adw_id, ApprovalKind.TOOL, key=key) for key in "abc"]
    other = {"command": "deploy later", "timeout": 1.5, "more": [{"a": None}]}
    yes = await stage.http.post(f"/api/approvals/{allowed.id}/allow")
    changed = await stage.http.post(f"/api/approvals/{edited.id}/allow", json={"input": other})
    no = await stage.http.post(f"/api/approvals/{denied.id}/deny", json={"reason": "not today"})
    for answer in (yes, changed, no):
        assert (answer.json()["workflow"]["status"], answer.json()["workflow"]["waitReason"]) == ("waiting", "budget")
    assert [answer.json()["approval"]["editedInput"] for answer in (yes, changed, no)] == [None, other, None]
    async with stage.database.read() as connection:
        assert (await approvals.get_approval(connection, edited.id)).edited_input == other
    path = f"/api/approvals/{edited.id}/allow"
    assert (await stage.http.post(path, json={"input": other})).status_code == 200
    assert (await stage.http.post(path, json={"input": {"command": "deploy now"}})).status_code == 409


async def test_an_input_is_given_whole_and_only_for_a_call(stage: Stage):
    plan = await waiting(stage)
    call = await stage.ask(plan.adw_id, ApprovalKind.TOOL, key="t")
    wrong = [
        (plan, "allow", {"command": "x"}),
        (call, "deny", {"command": "x"}),
        (call, "allow", {}),
        (call, "allow", {"command": "x" * 200_001}),
        (call, "allow", ["x"]),
    ]
    for asked, verb, given in wrong:
        unusable(await stage.http.post(f"/api/approvals/{asked.id}/{verb}", json={"input": given}))
    assert len((await stage.http.get("/api/approvals", params={"pending": "true"})).json()["approvals"]) == 2


PLAN = "# Plan\n" + "Change the date and nothing else. " * 5


async def asked_about_plan(stage: Stage) -> Approval:
    """A workflow with a plan on its branch that waits for a person."""
    workflow = await stage.work()
    await stage.pull(workflow, files={"specs/p.md": "the planner's words\n"})
    await stage.change(workflow.adw_id, plan_file="specs/p.md", issue_class="bug")
    await stage.activate(workflow.adw_id)
    async with stage.database.begin() as connection:
        about = {"planFile": "specs/p.md"}
        asked, _ = await approvals.ask(
            connection, adw_id=workflow.adw_id, kind=ApprovalKind.PLAN, key="p", question="Is it right?", data=about
        )
    await stage.move(workflow.adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
    return asked


async def test_a_plan_is_edited_by_whoever_allows_it(stage: Stage):
    asked = await asked_about_plan(stage)
    answer = await stage.http.post(f"/api/approvals/{asked.adw_id}/allow", json={"plan": PLAN, "actor": "pat"})
    assert answer.status_code == 200, answer.text
    decided, workflow = answer.json()["approval"], answer.json()["workflow"]
    assert (decided["decision"], workflow["status"], workflow["heldBy"]) == ("allowed", "active", None)
    assert (stage.root / "trees" / asked.adw_id / "specs/p.md").read_text() == PLAN.strip() + "\n"
    async with stage.database.read() as connection:
        order = await open_order(connection, asked.adw_id, OrderKind.HANDBACK)
    assert order is not None
    assert order.data == {"by": "pat", "message": "Edit the plan"}
    again = await stage.http.post(f"/api/approvals/{asked.id}/allow", json={"plan": PLAN})
    assert again.status_code == 409


async def test_what_is_no_plan_is_not_taken_for_one(stage: Stage):
    asked = await asked_about_plan(stage)
    path = f"/api/approvals/{asked.id}/allow"
    assert "at least 120" in (await stage.http.post(path, json={"plan": "shorter"})).json()["hint"]
    folder = Path((await stage.http.post(f"{WORKFLOWS}/{asked.adw_id}/takeover", json={"actor": "api"})).json()["path"])
    (folder / "specs/p.md").unlink()
    (folder / "specs/p.md").symlink_to("/etc/passwd")
    assert (await stage.http.post(path, json={"plan": PLAN})).json()["code"] == "usage"
    other = await waiting(stage)
    assert (await stage.http.post(f"/api/approvals/{other.id}/allow", json={"plan": PLAN})).json()["code"] == "usage"
    listed = (await stage.http.get("/api/approvals", params={"pending": "true"})).json()["approvals"]
    assert len(listed) == 2, "nothing was decided"


async def test_the_list_is_narrowed_by_workflow_and_by_what_is_open(stage: Stage):
    asked = await waiting(stage)
    other = await stage.work("Something else")
    await stage.http.post(f"/api/approvals/{asked.id}/allow")

    async def count(**params: str) -> int:
        return len((await stage.http.get("/api/approvals", params=params)).json()["approvals"])

    assert [await count(), await count(pending="true"), await count(adwId=asked.adw_id[:6])] == [1, 0, 1]
    assert await count(adwId=other.adw_id) == 0
    assert (await stage.http.get("/api/approvals", params={"adwId": "ffff0000x"})).status_code == 404


@pytest.mark.parametrize("by", ["id", "workflow"])
async def test_a_yes_lets_the_workflow_go_on(stage: Stage, by: str):
    asked = await waiting(stage)
    reference = str(asked.id)[:13] if by == "id" else asked.adw_id
    answer = await stage.http.post(f"/api/approvals/{reference}/allow", json={"reason": "good", "actor": "pat"})
    decided, workflow = answer.json()["approval"], answer.json()["workflow"]
    assert (decided["decision"], decided["decidedBy"], decided["reason"]) == ("allowed", "pat", "good")
    assert (workflow["status"], workflow["approvals"]) == ("active", [])
    assert stage.enqueuer.started == [f"{asked.adw_id}.1"]


async def test_a_no_fails_the_workflow_with_its_reason(stage: Stage):
    asked = await waiting(stage)
    answer = await stage.http.post(f"/api/approvals/{asked.id}/deny", json={"reason": "too much"})
    assert answer.json()["workflow"]["status"] == "failed"
    assert "too much" in answer.json()["workflow"]["failure"]["message"]


async def test_the_same_answer_twice_is_harmless_and_another_one_a_conflict(stage: Stage):
    asked = await waiting(stage)
    for _ in range(2):
        assert (await stage.http.post(f"/api/approvals/{asked.id}/allow")).status_code == 200
    answer = await stage.http.post(f"/api/approvals/{asked.id}/deny")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert stage.enqueuer.started == [f"{asked.adw_id}.1"]


async def test_a_budget_is_raised_by_naming_its_new_total(stage: Stage):
    asked = await waiting(stage, ApprovalKind.BUDGET, "budget")
    answer = await stage.http.post(f"/api/approvals/{asked.id}/allow", json={"budgetUsd": 2.25})
    assert (answer.json()["workflow"]["budgetUsd"], answer.json()["workflow"]["status"]) == (2.25, "active")


@pytest.mark.parametrize(
    ("kind", "verb", "sent"),
    [
        (ApprovalKind.BUDGET, "allow", {}),
        (ApprovalKind.BUDGET, "allow", {"budgetUsd": 0.5}),
        (ApprovalKind.BUDGET, "allow", {"budgetUsd": 0}),
        (ApprovalKind.PLAN, "allow", {"budgetUsd": 5}),
        (ApprovalKind.PLAN, "deny", {"budgetUsd": 5}),
        (ApprovalKind.PLAN, "allow", {"reason": "a\0b"}),
        (ApprovalKind.PLAN, "allow", {"reason": ""}),
        (ApprovalKind.PLAN, "allow", {"because": "x"}),
    ],
)
async def test_answers_that_make_no_sense_are_refused(stage: Stage, kind: ApprovalKind, verb: str, sent: dict):
    asked = await waiting(stage, kind)
    answer = await stage.http.post(f"/api/approvals/{asked.id}/{verb}", json=sent)
    unusable(answer)
    assert len((await stage.http.get("/api/approvals", params={"pending": "1"})).json()["approvals"]) == 1


async def test_a_reference_to_several_questions_is_refused(stage: Stage):
    asked = await waiting(stage)
    await stage.ask(asked.adw_id, key="again")
    answer = await stage.http.post(f"/api/approvals/{asked.adw_id}/allow")
    assert (answer.status_code, answer.json()["code"]) == (409, "usage")
