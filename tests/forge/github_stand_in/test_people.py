"""What tests and demos do in the name of people is what those would see on GitHub."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.forge.github_stand_in.conftest import FIRST, REPO, Scene
from tests.forge.github_stand_in.test_pulls import R, refused

from adw.forge.github_stand_in import Place
from adw.forge.github_stand_in.errors import RefusedError
from adw.kit.errors import UsageError


def test_people_write_label_change_and_close(scene: Scene):
    stand = scene.stand
    number = stand.add_issue(REPO, "Wrong", body="b", author="eve", labels=["bug"])
    stand.label(REPO, number, "urgent", "bug", by="bob")
    stand.unlabel(REPO, number, "bug", by="bob")
    stand.edit(REPO, number, title="Wrong totals", body="c", by="eve")
    comment = stand.comment(REPO, number, "Indeed", by="eve")
    stand.edit_comment(REPO, comment.id, "Indeed so")
    stand.close(REPO, number, by="bob")
    stand.reopen(REPO, number)
    shown = scene.bob.get(f"{R}/issues/{number}").json()
    assert [shown[name] for name in ("title", "body", "state", "state_reason", "comments")] == [
        "Wrong totals",
        "c",
        "open",
        "reopened",
        1,
    ]
    assert [label["name"] for label in shown["labels"]] == ["urgent"]
    assert scene.bob.get(f"{R}/issues/comments/{comment.id}").json()["body"] == "Indeed so"
    events = [(one["event"], one["actor"]["login"]) for one in scene.bob.get(f"{R}/issues/events").json()]
    assert events[::-1] == [
        ("labeled", "eve"),
        ("labeled", "bob"),
        ("unlabeled", "bob"),
        ("closed", "bob"),
        ("reopened", "ada"),
    ]


def test_people_open_review_and_merge(scene: Scene):
    stand = scene.stand
    stand.push(REPO, "fix", {"new.py": "a\nb\n", "totals.py": None}, by="bob")
    number = stand.open_pull(REPO, head="fix", title="Fix", by="bob", draft=True)
    stand.ready(REPO, number, by="bob")
    review = stand.review(
        REPO, number, "REQUEST_CHANGES", by="eve", body="No", comments=[Place(path="new.py", body="b?", line=2)]
    )
    [root] = scene.bob.get(f"{R}/pulls/{number}/reviews/{review.id}/comments").json()
    answer = stand.reply(REPO, root["id"], "Yes", by="bob")
    stand.reply(REPO, answer.id, "Fine", by="eve")
    stand.resolve(REPO, root["id"], by="eve")
    said = scene.bob.get(f"{R}/pulls/{number}/comments").json()
    assert [(one["body"], one.get("in_reply_to_id")) for one in said] == [
        ("b?", None),
        ("Yes", root["id"]),
        ("Fine", root["id"]),
    ]
    sha = stand.merge(REPO, number, by="ada")
    assert scene.bob.get(f"{R}/git/ref/heads/main").json()["object"]["sha"] == sha
    assert stand.issue(REPO, number).state == "closed"


def test_what_github_would_refuse_people_is_refused(scene: Scene):
    number = scene.pull()
    scene.stand.close(REPO, number)
    with pytest.raises(RefusedError, match="not mergeable"):
        scene.stand.merge(REPO, number)
    with pytest.raises(RefusedError):
        scene.stand.issue(REPO, 77)
    with pytest.raises(UsageError, match="no permission"):
        scene.stand.grant(REPO, "bob", "everything")
    with pytest.raises(UsageError, match="owner/name"):
        scene.stand.add_repository("tally")
    with pytest.raises(RefusedError, match="no branch or commit"):
        scene.stand.set_check(REPO, "nothing", "ci")


def test_a_pull_request_may_move_to_another_base(scene: Scene):
    number = scene.pull()
    scene.stand.push(REPO, "next", {"next.py": "n\n"})
    changed = scene.bob.patch(f"{R}/pulls/{number}", json={"base": "next"})
    assert changed.json()["base"]["ref"] == "next"
    assert refused(scene.bob.patch(f"{R}/pulls/{number}", json={"base": "nothing"})) == (422, "base")


def test_commits_that_cannot_be_made_anew_are_not_rebased(scene: Scene):
    for value in ("six", "five"):
        text = FIRST["totals.py"].replace("five = 5", f"five = {value}")
        scene.stand.push(REPO, "fix", {"totals.py": text if value == "six" else FIRST["totals.py"]})
    scene.stand.push(REPO, "fix", {"more.py": "m\n"})
    scene.stand.push(REPO, "main", {"totals.py": FIRST["totals.py"].replace("five = 5", "five = 'V'")})
    number = scene.stand.open_pull(REPO, head="fix", title="There and back")
    assert scene.bob.get(f"{R}/pulls/{number}").json()["mergeable"]
    answer = scene.bob.put(f"{R}/pulls/{number}/merge", json={"merge_method": "rebase"})
    assert refused(answer) == (405, "This branch can't be rebased")
    assert scene.bob.put(f"{R}/pulls/{number}/merge", json={"merge_method": "squash"}).status_code == 200


def test_files_are_shown_as_git_sees_them(scene: Scene):
    scene.stand.push(REPO, "fix", {"totals.py": None, "sums.py": FIRST["totals.py"], "x.bin": b"\0\1\2", "ö.py": "o\n"})
    number = scene.stand.open_pull(REPO, head="fix", title="Rename")
    files = {one["filename"]: one for one in scene.bob.get(f"{R}/pulls/{number}/files").json()}
    assert {name: one["status"] for name, one in files.items()} == {
        "sums.py": "renamed",
        "x.bin": "added",
        "ö.py": "added",
    }
    assert files["sums.py"]["previous_filename"] == "totals.py"
    assert "patch" not in files["x.bin"]
    assert files["ö.py"]["patch"] == "@@ -0,0 +1 @@\n+o"


def test_bodies_may_be_packed_and_must_be_json(scene: Scene):
    packed = gzip.compress(json.dumps({"title": "t"}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert scene.bob.post(f"{R}/issues", content=packed, headers=headers).status_code == 201
    assert [scene.bob.post(f"{R}/issues", content=text).status_code for text in ("{", "[]", "{}")] == [400, 400, 422]


@pytest.mark.parametrize(
    "content",
    [{"title": " "}, {"title": "t" * 257}, {"title": "t", "body": "b" * 65_537}, {"title": "a\0b"}, {"title": None}],
)
def test_texts_that_github_does_not_take_are_refused(scene: Scene, content):
    assert scene.bob.post(f"{R}/issues", json=content).status_code == 422
