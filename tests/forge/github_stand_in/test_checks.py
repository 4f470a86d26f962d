from __future__ import annotations

import httpx
from tests.forge.github_stand_in.conftest import REPO, Scene
from tests.forge.github_stand_in.test_pulls import R


def names(scene: Scene, query: str = "") -> list[tuple[str, str | None]]:
    runs = scene.bob.get(f"{R}/commits/fix/check-runs{query}").json()["check_runs"]
    return [(run["name"], run["conclusion"]) for run in runs]


def test_the_log_of_a_job_is_at_an_address_that_wants_no_token(scene: Scene):
    scene.change()
    job = scene.stand.set_check(REPO, "fix", "tests", "failure", log="E   assert 1 == 2\n")
    answer = scene.bob.get(f"{R}/actions/jobs/{job.id}/logs")
    assert answer.status_code == 302
    with httpx.Client(trust_env=False, verify=False) as anybody:
        assert anybody.get(answer.headers["location"]).text == "E   assert 1 == 2\n"


def test_checks_of_other_apps_are_no_jobs(scene: Scene):
    scene.change()
    run = scene.stand.set_check(REPO, "fix", "style", "failure", app="critic")
    assert scene.bob.get(f"{R}/actions/jobs/{run.id}").status_code == 404
    shown = scene.bob.get(f"{R}/check-runs/{run.id}").json()
    assert (shown["app"]["slug"], shown["conclusion"]) == ("critic", "failure")


def test_a_job_that_runs_again_is_a_new_one_of_the_same_name(scene: Scene):
    scene.change()
    job = scene.stand.set_check(REPO, "fix", "tests", "failure")
    scene.stand.add_hook(REPO, "http://127.0.0.1:9/", events=["check_run"], greet=False)
    assert scene.bob.post(f"{R}/actions/jobs/{job.id}/rerun").status_code == 201
    assert names(scene) == [("tests", None)]
    assert scene.bob.post(f"{R}/actions/jobs/{job.id}/rerun").status_code == 201
    latest = scene.stand.set_check(REPO, "fix", "tests", "success")
    assert scene.bob.get(f"{R}/actions/jobs/{latest.id}").json()["run_attempt"] > 1
    assert ("tests", "failure") in names(scene, "?filter=all")
    told = [one.action for one in scene.stand.deliveries(REPO, event="check_run")]
    assert told[:2] == ["rerequested", "created"]
    assert told[-1] == "completed"


def test_a_check_at_work_is_ended_rather_than_repeated(scene: Scene):
    scene.change()
    begun = scene.stand.set_check(REPO, "fix", "tests", None)
    assert begun.status == "in_progress"
    assert scene.stand.set_check(REPO, "fix", "tests", "success").id == begun.id


def test_statuses_come_to_one_word(scene: Scene):
    scene.change()

    def word() -> str:
        return scene.bob.get(f"{R}/commits/fix/status").json()["state"]

    assert word() == "pending"
    scene.stand.set_status(REPO, "fix", "deploy", "success")
    assert word() == "success"
    scene.stand.set_status(REPO, "fix", "audit", "pending")
    assert word() == "pending"
    scene.stand.set_status(REPO, "fix", "deploy", "failure")
    assert word() == "failure"
    assert len(scene.bob.get(f"{R}/commits/fix/statuses").json()) == 3


def test_a_job_at_work_cannot_be_run_again(scene: Scene):
    scene.change()
    job = scene.stand.set_check(REPO, "fix", "tests", None)
    assert scene.bob.post(f"{R}/actions/jobs/{job.id}/rerun").status_code == 403
    assert scene.bob.post(f"{R}/check-runs/{job.id}/rerequest").status_code == 422
