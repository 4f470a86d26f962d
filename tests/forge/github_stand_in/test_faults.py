from __future__ import annotations

import time

import httpx
import pytest
from tests.forge.github_stand_in.conftest import REPO, Scene
from tests.forge.github_stand_in.test_git import address, git
from tests.forge.github_stand_in.test_pulls import R

ISSUES = f"{R}/issues"


def count(scene: Scene) -> int:
    return len(scene.stand.world.repository(REPO).issues)


def post(scene: Scene) -> httpx.Response:
    return scene.bob.post(ISSUES, json={"title": "t"})


def test_a_primary_limit_says_when_it_ends(scene: Scene):
    scene.stand.faults.add("primary_limit", path="/issues$", seconds=30)
    answer = post(scene)
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 25 <= int(answer.headers["x-ratelimit-reset"]) - time.time() <= 31
    assert (count(scene), post(scene).status_code) == (0, 201)


def test_a_secondary_limit_says_how_long_to_wait(scene: Scene):
    scene.stand.faults.add("secondary_limit", seconds=7, times=2)
    assert [(one.status_code, one.headers.get("retry-after")) for one in (post(scene), post(scene), post(scene))] == [
        (403, "7"),
        (403, "7"),
        (201, None),
    ]


@pytest.mark.parametrize(("kind", "made"), [("error", 0), ("error_after", 1)])
def test_a_server_error_may_come_before_or_after_the_effect(scene: Scene, kind, made):
    scene.stand.faults.add(kind, method="POST", status=503)
    assert (post(scene).status_code, count(scene)) == (503, made)


@pytest.mark.parametrize(("kind", "made"), [("lost_before", 0), ("lost", 1)])
def test_an_answer_may_get_lost_before_or_after_the_effect(scene: Scene, kind, made):
    scene.stand.faults.add(kind, method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        post(scene)
    assert count(scene) == made
    assert [fault.kind for fault in scene.stand.faults.met] == [kind]


def test_an_answer_may_come_late(scene: Scene):
    scene.stand.faults.add("slow", seconds=0.2)
    begun = time.monotonic()
    assert post(scene).status_code == 201
    assert time.monotonic() - begun >= 0.2


def test_other_requests_are_left_alone(scene: Scene):
    scene.stand.faults.add("error", method="PUT|PATCH", path=r"/pulls/\d+/merge$")
    assert (post(scene).status_code, len(scene.stand.faults.waiting)) == (201, 1)
    scene.stand.faults.clear()
    assert scene.stand.faults.waiting == []


def test_readings_may_lag_behind_a_merge(scene: Scene):
    number = scene.pull()
    scene.stand.faults.add("stale", method="PUT", path="/merge$", reads=3)
    assert scene.bob.put(f"{R}/pulls/{number}/merge", json={}).status_code == 200
    seen = [scene.bob.get(f"{R}/pulls/{number}").json()["merged"] for _ in range(4)]
    assert seen == [False, False, False, True]


def test_readings_may_lag_for_a_while(scene: Scene):
    scene.stand.faults.add("stale", method="POST", seconds=0.15)
    number = post(scene).json()["number"]
    assert scene.bob.get(f"{ISSUES}/{number}").status_code == 404
    until = time.monotonic() + 10
    while scene.bob.get(f"{ISSUES}/{number}").status_code == 404:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_at_first_nobody_knows_whether_it_can_be_merged(scene: Scene):
    number = scene.pull()
    scene.stand.undecide(reads=2)
    shown = [scene.bob.get(f"{R}/pulls/{number}").json() for _ in range(3)]
    assert [(one["mergeable"], one["mergeable_state"]) for one in shown] == [
        (None, "unknown"),
        (None, "unknown"),
        (True, "clean"),
    ]


def test_a_limit_may_have_the_newer_status(scene: Scene):
    scene.stand.faults.add("secondary_limit", status=429, seconds=1)
    assert post(scene).status_code == 429


def test_questions_in_graphql_are_counted_on_their_own(scene: Scene):
    before = scene.bob.get(R).headers
    asked = scene.bob.post("/graphql", json={"query": "{ viewer { login } }"}).headers
    after = scene.bob.get(R).headers
    assert (asked["x-ratelimit-resource"], asked["x-ratelimit-used"]) == ("graphql", "1")
    assert int(after["x-ratelimit-used"]) == int(before["x-ratelimit-used"]) + 1


def test_a_push_may_arrive_although_its_answer_does_not(scene: Scene, tmp_path):
    git("clone", "--quiet", address(scene, "bob"), tmp_path / "c")
    scene.stand.faults.add("lost", method="POST", path="git-receive-pack")
    done = git("-C", tmp_path / "c", "push", "--quiet", "origin", "main:refs/heads/there")
    assert done.returncode != 0
    assert scene.stand.world.repository(REPO).head("there")
