"""Single phases on earlier work, the short ways in, and a look at what would become of an order."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.problem import problem_of
from tests.api.stage import WORKFLOWS, Stage, git

from adw.domain.events import EventType
from adw.domain.kinds import ON_EARLIER_WORK
from adw.domain.status import Status

CUSTOM = """
[workflows.tidy]
phases = ["plan", "sweep"]
[phases.sweep]
command = "true"
"""


def ask(stage: Stage, **changes: Any) -> dict[str, Any]:
    return {"project": str(stage.repository), "workflowType": "plan-build", "prompt": "Fix it"} | changes


async def done(stage: Stage, kind: str = "plan-build") -> str:
    workflow = await stage.work(kind=kind)
    await stage.activate(workflow.adw_id)
    await stage.move(workflow.adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    return workflow.adw_id


def define(stage: Stage, text: str) -> None:
    (stage.repository / "adw.toml").write_text(text)
    git(stage.repository, "add", ".")
    git(stage.repository, "commit", "--quiet", "-m", "Settings")


@pytest.mark.parametrize("phase", sorted(ON_EARLIER_WORK))
async def test_a_phase_on_earlier_work_goes_on_with_the_same_workflow(stage: Stage, phase: str):
    adw_id = await done(stage)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/{phase}", json={"actor": "ann"})
    assert answer.status_code == 201
    assert answer.json()["adwId"] == adw_id
    workflow = await stage.row(adw_id)
    assert workflow.status is Status.QUEUED
    assert phase in workflow.phases
    problem_of(await stage.http.post(f"{WORKFLOWS}/{adw_id}/{phase}"), status=409, code="wrong_state")


async def test_an_order_on_earlier_work_is_found_by_id_prefix_branch_and_pull_request(stage: Stage):
    workflow = await stage.work()
    pull = await stage.pull(workflow, draft=True)
    adw_id = workflow.adw_id
    for number, on in enumerate((adw_id, adw_id[:6], f"work-{adw_id}", str(pull.number), f"#{pull.number}")):
        await stage.activate(adw_id)
        await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
        answer = await stage.http.post(WORKFLOWS, json=ask(stage, prompt=None, workflowType="test", on=on))
        assert (answer.status_code, answer.json().get("adwId")) == (201, adw_id), (number, answer.text)


async def test_a_follow_up_keeps_its_words_and_its_money(stage: Stage):
    adw_id = await done(stage)
    for changes in ({"prompt": "Other words"}, {"prompt": None, "issueNumber": 7}, {"prompt": None, "budgetUsd": 3}):
        order = ask(stage, workflowType="test", on=adw_id, **changes)
        problem_of(await stage.http.post(WORKFLOWS, json=order), status=409, code="usage")
    fitting = ask(stage, workflowType="test", on=adw_id, prompt=None, issueNumber=1)
    assert (await stage.http.post(WORKFLOWS, json=fitting)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"workflowType": "test"}, "--on"),
        ({"workflowType": "plan", "on": "main"}, "leave `--on` out"),
        ({"workflowType": "sdlc", "on": "main"}, "leave `--on` out"),
        ({"workflowType": "test", "on": "nothing-here"}, "adw workflow list"),
        ({"workflowType": "test", "on": "main"}, "commit the work"),
    ],
)
async def test_earlier_work_that_is_none_is_refused(stage: Stage, changes: dict[str, Any], hint: str):
    answer = await stage.http.post(WORKFLOWS, json=ask(stage, **changes))
    assert hint in problem_of(answer, status=409, code="usage")["hint"]


async def test_a_branch_of_somebody_else_starts_work_on_a_branch_of_ours(stage: Stage):
    git(stage.repository, "checkout", "-q", "-b", "theirs")
    (stage.repository / "more.txt").write_text("more\n")
    git(stage.repository, "add", ".")
    git(stage.repository, "commit", "--quiet", "-m", "Add more\n\nBecause it was too little.")
    tip = git(stage.repository, "rev-parse", "HEAD").strip()
    git(stage.repository, "checkout", "-q", "main")
    answer = await stage.http.post(WORKFLOWS, json=ask(stage, prompt=None, workflowType="review", on="theirs"))
    workflow = await stage.row(answer.json()["adwId"])
    assert (workflow.issue_number, workflow.issue_title) == (None, "Add more")
    assert "too little" in workflow.issue_body
    assert (workflow.base_sha, workflow.head_sha, workflow.plan_file) == (stage.base_sha, tip, None)
    assert workflow.branch_name == f"chore-issue-0-adw-{workflow.adw_id}-theirs"
    assert workflow.trigger["on"] == "theirs"
    assert git(stage.repository, "rev-parse", "theirs").strip() == tip
    remote = stage.services.access.repository(await _project(stage, workflow.project_id)).remote
    assert git(remote, "rev-parse", f"refs/heads/{workflow.branch_name}").strip() == tip  # type: ignore[arg-type]


async def test_the_short_ways_in_take_work(stage: Stage):
    body = {"project": str(stage.repository), "prompt": "Fix it"}
    patched = await stage.http.post(f"{WORKFLOWS}/patch", json=body)
    quick = await stage.http.post(f"{WORKFLOWS}/quick/plan_build_test", json=body)
    assert [each.json()["workflow"]["workflowType"] for each in (patched, quick)] == ["patch", "plan-build-test"]
    problem_of(await stage.http.post(f"{WORKFLOWS}/quick/plan-bild", json=body), status=409, code="usage")


async def test_kinds_of_the_repository_are_taken_and_suggested(stage: Stage):
    define(stage, CUSTOM)
    answer = await stage.http.post(WORKFLOWS, json=ask(stage, workflowType="Tidy"))
    workflow = await stage.row(answer.json()["adwId"])
    assert (workflow.workflow_type, workflow.phases) == ("tidy", ("plan", "sweep", "finish"))
    problem = problem_of(
        await stage.http.post(WORKFLOWS, json=ask(stage, workflowType="tidi")), status=409, code="usage"
    )
    assert "`tidy`" in problem["hint"]
    assert "sdlc" in problem["hint"]
    listed = await stage.http.get(f"{WORKFLOWS}?kind=tidy")
    assert [each["adwId"] for each in listed.json()["workflows"]] == [workflow.adw_id]


async def test_a_preview_tells_the_plan_and_makes_nothing(stage: Stage):
    define(stage, CUSTOM + '[budget]\nmonth_usd = 7\n[agents.models]\nplanner = "mine"\n')
    answer = await stage.http.post(f"{WORKFLOWS}/preview", json=ask(stage, workflowType="zte"))
    view = answer.json()
    assert (view["success"], view["adwId"], view["budgetUsd"], view["modelSet"]) == (True, None, 7.0, "base")
    assert view["models"]["planner"] == "mine"
    assert "pytest" in view["commands"]["test"]["line"]
    assert [each["check"] for each in view["findings"] if each["isNote"]] == ["budget", "merge"]
    assert any("zte = true" in note for note in view["notes"])
    assert (await stage.http.get(WORKFLOWS)).json()["workflows"] == []


async def test_a_preview_tells_a_refusal_without_being_one(stage: Stage):
    first = await stage.work()
    order = ask(stage, prompt=None, issueNumber=first.issue_number)
    view = (await stage.http.post(f"{WORKFLOWS}/preview", json=order)).json()
    (refusal,) = [each for each in view["findings"] if each["code"]]
    assert (view["success"], refusal["code"]) == (False, "duplicate_run")
    assert first.adw_id in refusal["hint"]


async def test_a_preview_of_a_follow_up_tells_what_would_run(stage: Stage):
    adw_id = await done(stage)
    order = ask(stage, prompt=None, workflowType="test", on=adw_id)
    view = (await stage.http.post(f"{WORKFLOWS}/preview", json=order)).json()
    assert (view["success"], view["adwId"], list(view["models"])) == (True, adw_id, ["resolver"])
    assert view["phases"] == ["plan", "build", "test", "finish"]
    await stage.http.post(f"{WORKFLOWS}/{adw_id}/test")
    view = (await stage.http.post(f"{WORKFLOWS}/preview", json=order)).json()
    assert [each["code"] for each in view["findings"]] == ["wrong_state"]


async def _project(stage: Stage, project_id: str) -> Any:
    from adw.store.projects import get_project

    async with stage.database.read() as connection:
        return await get_project(connection, project_id)
