from __future__ import annotations

import pytest
from tests.api.problem import problem_of
from tests.api.stage import WORKFLOWS, Stage, git

from adw.domain.events import EventType
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.kit.paths import DataPaths
from adw.ports.resources import Headroom
from adw.store import agent_outputs, phases


async def built(stage: Stage, title: str = "Fix the date") -> str:
    """A completed workflow with one commit on its own branch and a build to do again."""
    workflow = await stage.work(title)
    await stage.pull(workflow)
    workflow = await stage.row(workflow.adw_id)
    bare = DataPaths(stage.root).forge_remote(workflow.project_id)
    head = git(bare, "rev-parse", f"work-{workflow.adw_id}").strip()
    adw_id = workflow.adw_id
    await stage.change(adw_id, branch_name=f"work-{adw_id}", head_sha=head, issue_class="bug", plan_file="p.md")
    async with stage.database.begin() as connection:
        for name, before, after in (("plan", None, workflow.base_sha), ("build", workflow.base_sha, head)):
            await phases.start_phase(connection, adw_id=adw_id, phase=name, attempt=1, commit_before=before)
            await phases.end_phase(
                connection, adw_id=adw_id, phase=name, attempt=1, status=PhaseStatus.COMPLETED, commit_after=after
            )
    await stage.activate(adw_id)
    return adw_id


async def test_everything_from_a_phase_on_is_done_again(stage: Stage):
    adw_id = await built(stage)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json={"fromPhase": "build", "actor": "pat"})
    assert (answer.status_code, answer.json()["workflow"]["status"]) == (200, "queued")
    listed = {each["name"]: each["status"] for each in answer.json()["workflow"]["phases"]}
    assert listed["build"] in {"pending", "superseded"}
    again = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json={"fromPhase": "build"})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


async def test_it_may_be_done_with_other_models_and_after_some_words(stage: Stage):
    adw_id = await built(stage)
    await stage.move(adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
    body = {"model": "m-5", "message": "Mind the zone", "actor": "pat"}
    view = (await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json=body)).json()["workflow"]
    assert (view["options"]["model"], view["modelSet"]) == ("m-5", "base")
    heard = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/messages")).json()["messages"]
    assert [(each["author"], each["body"]) for each in heard] == [("pat", "Mind the zone")]
    told = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params={"types": "workflow_queued"})).json()["events"]
    assert told[-1]["data"] == {"by": "pat", "model": "m-5"}
    await stage.activate(adw_id)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    body = {"fromPhase": "build", "modelSet": "heavy"}
    view = (await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json=body)).json()["workflow"]
    assert (view["options"]["model"], view["modelSet"]) == (None, "heavy"), "a set takes the place of a model"
    body = {"fromPhase": "build", "model": "m-6", "message": "Another way", "actor": "pat"}
    fork = (await stage.http.post(f"{WORKFLOWS}/{adw_id}/fork", json=body)).json()["workflow"]
    assert (fork["options"]["model"], fork["modelSet"]) == ("m-6", "heavy")
    heard = (await stage.http.get(f"{WORKFLOWS}/{fork['adwId']}/messages")).json()["messages"]
    assert [each["body"] for each in heard] == ["Another way"]


@pytest.mark.parametrize("body", [{"modelSet": "huge"}, {"model": ""}, {"model": "a\nb"}, {"message": ""}])
async def test_what_cannot_be_otherwise_changes_nothing(stage: Stage, body):
    adw_id = await built(stage)
    await stage.move(adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json=body)
    assert (answer.status_code, (await stage.row(adw_id)).status) == (422, "failed")


async def test_commits_of_others_are_not_given_up_unasked(stage: Stage):
    adw_id = await built(stage)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    git(stage.repository, "branch", f"work-{adw_id}", "main")
    folder = stage.root / "theirs"
    git(stage.repository, "worktree", "add", "-q", str(folder), f"work-{adw_id}")
    (folder / "mine.txt").write_text("x")
    git(folder, "add", "mine.txt")
    git(folder, "commit", "-q", "-m", "Mine")
    refused = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json={"fromPhase": "build"})
    assert (refused.status_code, "--discard-foreign" in refused.json()["hint"]) == (409, True)
    body = {"fromPhase": "build", "discardForeign": True}
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json=body)).status_code == 200


@pytest.mark.parametrize("body", [{"fromPhase": "nonsense"}, {"fromPhase": "test"}, {"discardForeign": True}])
async def test_what_makes_no_sense_is_refused(stage: Stage, body):
    adw_id = await built(stage)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "usage")


async def test_a_fork_is_a_workflow_of_its_own_and_compared_with_its_source(stage: Stage):
    adw_id = await built(stage)
    body = {"fromPhase": "test", "actor": "pat"}
    made = await stage.http.post(f"{WORKFLOWS}/{adw_id}/fork", json=body, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201
    fork = made.json()["workflow"]
    assert (fork["forkedFrom"], fork["status"], fork["headSha"] is not None) == (adw_id, "queued", True)
    again = await stage.http.post(f"{WORKFLOWS}/{adw_id}/fork", json=body, headers={"Idempotency-Key": "k"})
    assert again.json()["adwId"] == made.json()["adwId"]
    older = await stage.http.post(f"{WORKFLOWS}/{adw_id}/fork", json={"fromPhase": "build"})
    compared = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/compare/{older.json()['adwId'][:7]}")).json()
    assert [compared[side]["adwId"] for side in ("first", "second")] == [adw_id, older.json()["adwId"]]
    assert [(file["path"], file["status"]) for file in compared["files"]] == [("date.txt", "deleted")]
    assert "-today" in compared["diff"]
    assert compared["first"]["phases"][1]["status"] == "completed"


async def test_a_worktree_is_taken_over_and_handed_back(stage: Stage):
    adw_id = await built(stage)
    taken = await stage.http.post(f"{WORKFLOWS}/{adw_id}/takeover", json={"actor": "pat"})
    assert (taken.status_code, taken.json()["workflow"]["heldBy"]) == (200, "pat")
    path = taken.json()["path"]
    assert (stage.root / "trees" / adw_id / "date.txt").read_text() == "today\n"
    assert path == str(stage.root / "trees" / adw_id)
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume")).status_code == 409
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/takeover", json={"actor": "bo"})).status_code == 409
    back = await stage.http.post(f"{WORKFLOWS}/{adw_id}/handback", json={"actor": "pat", "message": "Mend it"})
    assert (back.json()["workflow"]["status"], back.json()["workflow"]["heldBy"]) == ("active", None)
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/handback")).status_code == 409


async def test_messages_are_left_and_listed(stage: Stage):
    adw_id = (await stage.work()).adw_id
    left = await stage.http.post(f"{WORKFLOWS}/{adw_id}/message", json={"message": "Be brief", "actor": "pat"})
    assert (left.status_code, left.json()["author"], left.json()["deliveredAt"]) == (201, "pat", None)
    listed = await stage.http.get(f"{WORKFLOWS}/{adw_id}/messages")
    assert [each["body"] for each in listed.json()["messages"]] == ["Be brief"]
    await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
    refused = await stage.http.post(f"{WORKFLOWS}/{adw_id}/message", json={"message": "Too late"})
    assert (refused.status_code, refused.json()["code"], "fork" in refused.json()["hint"]) == (409, "wrong_state", True)


async def test_agents_at_work_are_listed(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    async with stage.database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
        await agent_outputs.create_agent_output(
            connection, adw_id=adw_id, agent_name="planner", phase="plan", model="some-model"
        )
    (agent,) = (await stage.http.get("/api/agents")).json()["agents"]
    assert (agent["adwId"], agent["role"], agent["phase"], agent["model"]) == (adw_id, "planner", "plan", "some-model")


class Full:
    """Implements `adw.ports.resources.Resources` for a machine whose disk is nearly full."""

    def look(self) -> Headroom:
        return Headroom(free_disk=1, least_disk=2)


@pytest.mark.parametrize(
    ("route", "body", "before"),
    [
        ("retry", {}, Status.FAILED),
        ("retry", {"fromPhase": "build"}, Status.COMPLETED),
        ("fork", {"fromPhase": "build"}, Status.COMPLETED),
        ("build", {}, Status.COMPLETED),
    ],
    ids=["retry", "retry from", "fork", "follow-up"],
)
async def test_work_that_goes_on_needs_room_as_new_work_does(stage: Stage, route: str, body, before: Status):
    adw_id = await built(stage)
    ended = {Status.FAILED: EventType.WORKFLOW_FAILED, Status.COMPLETED: EventType.WORKFLOW_COMPLETED}[before]
    await stage.move(adw_id, before, ended)
    object.__setattr__(stage.services.intake, "resources", Full())
    refused = await stage.http.post(f"{WORKFLOWS}/{adw_id}/{route}", json=body)
    assert "cleanup" in problem_of(refused, status=503, code="low_disk")["hint"]
    assert (await stage.row(adw_id)).status is before
    assert len((await stage.http.get(WORKFLOWS)).json()["workflows"]) == 1
    object.__setattr__(stage.services.intake, "resources", None)
    taken = await stage.http.post(f"{WORKFLOWS}/{adw_id}/{route}", json=body)
    assert taken.status_code in {200, 201}, taken.text
