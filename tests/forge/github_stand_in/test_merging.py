from __future__ import annotations

import subprocess

import pytest
from tests.forge.github_stand_in.conftest import FIRST, REPO, Scene
from tests.forge.github_stand_in.test_pulls import R, refused


def merge(scene: Scene, number: int, **wish: str):
    return scene.bob.put(f"{R}/pulls/{number}/merge", json=wish)


def subjects(scene: Scene, branch: str = "main") -> list[str]:
    command = ["git", "-C", str(scene.stand.bare_path(REPO)), "log", "--first-parent", "--format=%s", branch]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def state(scene: Scene, number: int) -> str:
    return scene.bob.get(f"{R}/pulls/{number}").json()["mergeable_state"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("squash", ["Count (#1)", "Elsewhere", "Begin"]),
        ("merge", ["Merge pull request #1 from ada/fix", "Elsewhere", "Begin"]),
        ("rebase", ["Count again", "Count to six", "Elsewhere", "Begin"]),
    ],
)
def test_each_way_of_merging_leaves_its_own_history(scene: Scene, method, expected):
    number = scene.pull()
    scene.stand.push(REPO, "fix", {"more.py": "more = 1\n"}, message="Count again")
    scene.stand.push(REPO, "main", {"else.py": "e = 1\n"}, message="Elsewhere")
    answer = merge(scene, number, merge_method=method)
    assert answer.status_code == 200, answer.text
    assert subjects(scene) == expected
    shown = scene.bob.get(f"{R}/pulls/{number}").json()
    assert (shown["merged"], shown["merge_commit_sha"]) == (True, answer.json()["sha"])
    assert scene.bob.get(f"{R}/git/ref/heads/main").json()["object"]["sha"] == answer.json()["sha"]
    assert refused(merge(scene, number, merge_method=method)) == (405, "Pull Request is not mergeable")


def test_texts_of_the_squashed_commit_may_be_given(scene: Scene):
    number = scene.pull()
    sha = merge(scene, number, merge_method="squash", commit_title="Title", commit_message="Body").json()["sha"]
    assert scene.bob.get(f"{R}/git/commits/{sha}").json()["message"] == "Title\n\nBody"


def test_only_the_head_that_was_looked_at_is_merged(scene: Scene):
    number = scene.pull()
    old = scene.bob.get(f"{R}/pulls/{number}").json()["head"]["sha"]
    scene.stand.push(REPO, "fix", {"more.py": "m\n"})
    assert refused(merge(scene, number, sha=old))[0] == 409
    assert refused(scene.bob.put(f"{R}/pulls/{number}/update-branch", json={"expected_head_sha": old}))[0] == 422


def test_a_conflict_is_seen_and_keeps_it_from_being_merged(scene: Scene):
    number = scene.pull()
    scene.stand.push(REPO, "main", {"totals.py": FIRST["totals.py"].replace("five = 5", "five = 'V'")})
    shown = scene.bob.get(f"{R}/pulls/{number}").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert refused(merge(scene, number)) == (405, "Pull Request is not mergeable")
    assert refused(scene.bob.put(f"{R}/pulls/{number}/update-branch", json={}))[0] == 422


def test_ways_the_repository_does_not_allow_are_refused(scene: Scene):
    number = scene.pull()
    scene.stand.world.repository(REPO).methods = ["squash"]
    assert refused(merge(scene, number)) == (405, "Merge commits are not allowed on this repository.")
    scene.stand.ready(REPO, number, draft=True)
    assert state(scene, number) == "draft"
    assert refused(merge(scene, number, merge_method="squash")) == (405, "Pull Request is still a draft")


def test_a_protected_branch_waits_for_what_it_demands(scene: Scene):
    number = scene.pull()
    scene.stand.protect(REPO, "main", checks=["ci"], approvals=1, strict=True, threads_resolved=True)
    assert (state(scene, number), refused(merge(scene, number))[1]) == (
        "blocked",
        'Required status check "ci" is expected.',
    )
    scene.stand.set_check(REPO, "fix", "ci", None)
    assert refused(merge(scene, number))[1] == 'Required status check "ci" is in progress.'
    scene.stand.set_check(REPO, "fix", "ci", "failure")
    assert refused(merge(scene, number))[1] == 'Required status check "ci" is failing.'
    scene.stand.set_check(REPO, "fix", "ci")
    assert refused(merge(scene, number))[1].startswith("At least 1 approving review")
    scene.stand.review(REPO, number, "REQUEST_CHANGES", by="ada", body="no")
    assert refused(merge(scene, number))[1].startswith("Changes have been requested")
    scene.stand.review(REPO, number, "APPROVE", by="ada")
    root = scene.stand.thread(REPO, number, path="totals.py", line=5, body="and this?", by="eve")
    assert refused(merge(scene, number))[1].startswith("A conversation must be resolved")
    scene.stand.resolve(REPO, root.id, by="bob")
    scene.stand.push(REPO, "main", {"else.py": "e\n"})
    assert (state(scene, number), refused(merge(scene, number))[0]) == ("behind", 405)
    scene.bob.put(f"{R}/pulls/{number}/update-branch", json={})
    assert refused(merge(scene, number))[1] == 'Required status check "ci" is expected.'
    scene.stand.set_check(REPO, "fix", "ci")
    assert (state(scene, number), merge(scene, number).status_code) == ("clean", 200)


def test_a_check_that_nobody_demands_only_makes_it_unstable(scene: Scene):
    number = scene.pull()
    scene.stand.set_check(REPO, "fix", "style", "failure")
    assert (state(scene, number), merge(scene, number).status_code) == ("unstable", 200)


def test_new_commits_dismiss_approvals_where_asked_for(scene: Scene):
    number = scene.pull()
    scene.stand.protect(REPO, "main", approvals=1, dismiss_stale=True)
    scene.stand.review(REPO, number, "APPROVE", by="ada")
    scene.stand.push(REPO, "fix", {"more.py": "m\n"})
    assert [one["state"] for one in scene.bob.get(f"{R}/pulls/{number}/reviews").json()] == ["DISMISSED"]


def test_it_merges_by_itself_once_everything_is_there(scene: Scene):
    number = scene.pull()
    node = scene.bob.get(f"{R}/pulls/{number}").json()["node_id"]
    document = (
        "mutation A($i: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $i, mergeMethod: SQUASH}) "
        "{ pullRequest { autoMergeRequest { mergeMethod enabledBy { login } } } } }"
    )
    asked = {"query": document, "variables": {"i": node}}
    assert scene.bob.post("/graphql", json=asked).json()["errors"][0]["type"] == "UNPROCESSABLE"
    scene.stand.protect(REPO, "main", checks=["ci"], approvals=1)
    made = scene.bob.post("/graphql", json=asked).json()["data"]["enablePullRequestAutoMerge"]["pullRequest"]
    assert made["autoMergeRequest"] == {"mergeMethod": "SQUASH", "enabledBy": {"login": "bob"}}
    scene.stand.set_check(REPO, "fix", "ci")
    assert not scene.bob.get(f"{R}/pulls/{number}").json()["merged"]
    assert scene.ada.post(f"{R}/pulls/{number}/reviews", json={"event": "APPROVE"}).status_code == 200
    assert scene.bob.get(f"{R}/pulls/{number}").json()["merged"]


def test_a_merge_closes_the_issues_it_names_and_may_delete_the_branch(scene: Scene):
    issues = [scene.stand.add_issue(REPO, title) for title in ("a", "b", "c")]
    scene.stand.world.repository(REPO).delete_branch_on_merge = True
    body = f"Fixes #{issues[0]}, resolves {REPO}#{issues[1]} and mentions #{issues[2]}; closes other/place#3"
    number = scene.pull(body=body)
    assert merge(scene, number, merge_method="squash").status_code == 200
    states = [scene.bob.get(f"{R}/issues/{one}").json()["state"] for one in issues]
    assert states == ["closed", "closed", "open"]
    assert scene.bob.get(f"{R}/git/ref/heads/fix").status_code == 404
