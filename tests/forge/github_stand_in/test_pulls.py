from __future__ import annotations

from typing import Any

import pytest
from tests.forge.github_stand_in.conftest import FIRST, REPO, Scene

R = f"/repos/{REPO}"


def refused(answer: Any) -> tuple[int, str]:
    said = answer.json()
    errors = said.get("errors") or [{}]
    return answer.status_code, errors[0].get("message") or errors[0].get("field") or said["message"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"head": "fix", "base": "main"}, "A pull request already exists for ada:fix."),
        ({"head": "ada:fix", "base": "main"}, "A pull request already exists for ada:fix."),
        ({"head": "nothing", "base": "main"}, "head"),
        ({"head": "fix", "base": "nothing"}, "base"),
        ({"head": "same", "base": "main"}, "No commits between main and same"),
    ],
)
def test_a_pull_request_needs_two_branches_and_something_new(scene: Scene, content, why):
    scene.pull()
    main = scene.stand.world.repository(REPO).head("main")
    scene.ada.post(f"{R}/git/refs", json={"ref": "refs/heads/same", "sha": main})
    assert refused(scene.bob.post(f"{R}/pulls", json={"title": "Again", **content})) == (422, why)


def test_issues_and_pull_requests_share_their_numbers(scene: Scene):
    assert [scene.stand.add_issue(REPO, "a"), scene.pull(), scene.stand.add_issue(REPO, "b")] == [1, 2, 3]
    listed = scene.bob.get(f"{R}/issues").json()
    assert [("pull_request" in one, one["number"]) for one in listed] == [(False, 3), (True, 2), (False, 1)]


def test_a_repository_may_be_without_drafts(scene: Scene):
    scene.stand.world.repository(REPO).drafts = False
    scene.change()
    new = {"title": "t", "head": "fix", "base": "main", "draft": True}
    assert refused(scene.bob.post(f"{R}/pulls", json=new)) == (
        422,
        "Draft pull requests are not supported in this repository.",
    )


def test_a_push_moves_the_pull_request_and_remarks_on_lines_it_leaves_alone(scene: Scene):
    number = scene.pull()
    kept = scene.stand.thread(REPO, number, path="totals.py", line=6, body="here", by="eve")
    gone = scene.stand.thread(REPO, number, path="totals.py", line=5, body="there", by="eve")
    text = FIRST["totals.py"].replace("five = 5\n", "").replace("one = 1\n", "zero = 0\nhalf = 0.5\none = 1\n")
    sha = scene.stand.push(REPO, "fix", {"totals.py": text})
    shown = {one["id"]: one for one in scene.bob.get(f"{R}/pulls/{number}/comments").json()}
    assert scene.bob.get(f"{R}/pulls/{number}").json()["head"]["sha"] == sha
    assert (shown[kept.id]["line"], shown[kept.id]["original_line"], shown[kept.id]["position"]) == (7, 6, 1)
    assert (shown[gone.id]["line"], shown[gone.id]["original_line"], shown[gone.id]["position"]) == (None, 5, None)


def test_a_remark_stands_on_a_line_of_the_diff(scene: Scene):
    number = scene.pull()
    sha = scene.bob.get(f"{R}/pulls/{number}").json()["head"]["sha"]
    remark = {"path": "totals.py", "body": "b", "commit_id": sha, "side": "RIGHT"}
    made = scene.bob.post(f"{R}/pulls/{number}/comments", json={**remark, "line": 5}).json()
    assert made["diff_hunk"].endswith("-five = 5\n+five = 'fix'")
    assert refused(scene.bob.post(f"{R}/pulls/{number}/comments", json={**remark, "line": 50}))[0] == 422
    other = {**remark, "path": "other.py", "line": 1}
    assert refused(scene.bob.post(f"{R}/pulls/{number}/comments", json=other)) == (422, "path")
    old = {**remark, "line": 5, "commit_id": "0" * 40}
    assert refused(scene.bob.post(f"{R}/pulls/{number}/comments", json=old))[0] == 422


def test_nobody_approves_their_own(scene: Scene):
    number = scene.pull()
    answer = scene.bob.post(f"{R}/pulls/{number}/reviews", json={"event": "APPROVE"})
    assert refused(answer) == (422, "Unprocessable Entity: Review Can not approve your own pull request")
    assert scene.ada.post(f"{R}/pulls/{number}/reviews", json={"event": "APPROVE"}).json()["state"] == "APPROVED"


def test_a_branch_that_goes_takes_its_pull_request_along(scene: Scene):
    number = scene.pull()
    assert scene.bob.delete(f"{R}/git/refs/heads/fix").status_code == 204
    assert scene.bob.get(f"{R}/pulls/{number}").json()["state"] == "closed"
    assert scene.bob.patch(f"{R}/pulls/{number}", json={"state": "open"}).status_code == 422


def test_a_head_that_is_pushed_to_its_base_is_merged(scene: Scene):
    number = scene.pull()
    sha = scene.bob.get(f"{R}/pulls/{number}").json()["head"]["sha"]
    assert scene.bob.patch(f"{R}/git/refs/heads/main", json={"sha": sha}).status_code == 200
    assert scene.bob.get(f"{R}/pulls/{number}").json()["merged"]


def test_the_diff_is_what_git_says(scene: Scene):
    number = scene.pull()
    diff = scene.bob.get(f"{R}/pulls/{number}", headers={"accept": "application/vnd.github.diff"}).text
    [file] = scene.bob.get(f"{R}/pulls/{number}/files").json()
    assert diff.startswith("diff --git a/totals.py b/totals.py")
    assert diff.rstrip("\n").endswith(file["patch"])
    assert (file["additions"], file["deletions"], file["status"]) == (1, 1, "modified")


def test_a_locked_issue_takes_comments_of_its_keepers_alone(scene: Scene):
    number = scene.stand.add_issue(REPO, "Quiet")
    scene.stand.lock(REPO, number)
    assert scene.eve.post(f"{R}/issues/{number}/comments", json={"body": "but"}).status_code == 403
    assert scene.bob.post(f"{R}/issues/{number}/comments", json={"body": "hush"}).status_code == 201


def test_what_a_deleted_account_wrote_is_the_ghosts(scene: Scene):
    number = scene.stand.add_issue(REPO, "Old", author="eve")
    scene.stand.remove_user("eve")
    assert scene.bob.get(f"{R}/issues/{number}").json()["user"]["login"] == "ghost"
    assert scene.eve.get("/user").status_code == 401


def test_lists_are_cut_into_pages_that_name_each_other(scene: Scene):
    for number in range(7):
        scene.stand.add_issue(REPO, str(number))
    first = scene.bob.get(f"{R}/issues?per_page=3")
    assert [one["title"] for one in first.json()] == ["6", "5", "4"]
    assert set(first.links) == {"next", "last"}
    middle = scene.bob.get(first.links["next"]["url"])
    assert set(middle.links) == {"prev", "first", "next", "last"}
    last = scene.bob.get(first.links["last"]["url"])
    assert [one["title"] for one in last.json()] == ["0"]
    assert set(last.links) == {"prev", "first"}


def test_an_answer_that_would_be_the_same_costs_nothing(scene: Scene):
    number = scene.stand.add_issue(REPO, "a")
    first = scene.bob.get(f"{R}/issues/{number}")
    same = scene.bob.get(f"{R}/issues/{number}", headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    scene.stand.comment(REPO, number, "more")
    changed = scene.bob.get(f"{R}/issues/{number}", headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["comments"]) == (200, 1)
