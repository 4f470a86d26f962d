"""What a poll finds: everything since the last one, and nothing of what was there before the first."""

from __future__ import annotations

import pytest
from tests.forge.github.client.scripted import Said, Script
from tests.forge.github.stage import GitHubStage
from tests.forge.stage import open_pull

from adw.kit.errors import UsageError
from adw.store.db import Database


async def test_the_first_look_tells_nothing(stage: GitHubStage):
    number = stage.stand_in.add_issue(stage.full_name, "Old", labels=["adw:sdlc"])
    stage.stand_in.comment(stage.full_name, number, "@adw sdlc", by="ada")
    begun = await stage.github.changes(stage.full_name, None)
    assert begun.is_empty
    assert begun.is_complete


async def test_later_looks_tell_what_happened_since(stage: GitHubStage):
    old = stage.stand_in.add_issue(stage.full_name, "Old")
    cursor = (await stage.github.changes(stage.full_name, None)).cursor
    issue = stage.stand_in.add_issue(stage.full_name, "New", author="ada")
    stage.stand_in.label(stage.full_name, issue, "adw:sdlc", by="ada")
    stage.stand_in.comment(stage.full_name, old, "@adw patch", by="eve")
    pull = await open_pull(stage)
    found = await stage.github.changes(stage.full_name, cursor)
    assert issue in {each.number for each in found.issues}
    assert [(each.number, each.body, each.author) for each in found.comments] == [(old, "@adw patch", "eve")]
    [change] = [each for each in found.labels if each.number == issue]
    assert (change.label, change.is_added, change.actor, change.is_pull_request) == ("adw:sdlc", True, "ada", False)
    assert [each.number for each in found.pulls] == [pull.number]
    assert pull.number not in {each.number for each in found.issues}


async def test_labels_are_told_once_and_what_is_taken_off_too(stage: GitHubStage):
    issue = stage.stand_in.add_issue(stage.full_name, "New")
    cursor = (await stage.github.changes(stage.full_name, None)).cursor
    stage.stand_in.label(stage.full_name, issue, "one", by="ada")
    first = await stage.github.changes(stage.full_name, cursor)
    stage.stand_in.unlabel(stage.full_name, issue, "one", by="ada")
    second = await stage.github.changes(stage.full_name, first.cursor)
    third = await stage.github.changes(stage.full_name, second.cursor)
    assert [[(each.label, each.is_added) for each in look.labels] for look in (first, second, third)] == [
        [("one", True)],
        [("one", False)],
        [],
    ]


async def test_who_put_which_label_on_one_issue_is_told_oldest_first(stage: GitHubStage):
    issue = stage.stand_in.add_issue(stage.full_name, "New")
    stage.stand_in.label(stage.full_name, issue, "one", by="ada")
    stage.stand_in.unlabel(stage.full_name, issue, "one", by="eve")
    found = await stage.github.label_changes(stage.full_name, issue)
    assert [(each.label, each.is_added, each.actor, each.number) for each in found] == [
        ("one", True, "ada", issue),
        ("one", False, "eve", issue),
    ]


async def test_a_quiet_repository_costs_nothing(stage: GitHubStage):
    stage.stand_in.add_issue(stage.full_name, "New")
    cursor = (await stage.github.changes(stage.full_name, None)).cursor
    for _ in range(4):
        cursor = (await stage.github.changes(stage.full_name, cursor)).cursor
    before = len(stage.stand_in.requests)
    quiet = await stage.github.changes(stage.full_name, cursor)
    assert quiet.is_empty
    assert [asked.status for asked in stage.stand_in.requests[before:]] == [304] * 4


async def test_what_was_heard_but_not_dealt_with_is_told_again(stage: GitHubStage):
    cursor = (await stage.github.changes(stage.full_name, None)).cursor
    issue = stage.stand_in.add_issue(stage.full_name, "New")
    for _ in range(3):  # the process ended before it stored the next cursor
        found = await stage.github.changes(stage.full_name, cursor)
        assert [each.number for each in found.issues] == [issue]


async def test_more_than_one_look_takes_is_told_in_parts(database: Database):
    def page(number: int) -> Said:
        at = f"2026-05-01T10:{number:02}:00Z"
        link = f'<https://api.github.test/x?page={number + 1}>; rel="next"'
        return Said(json=[{"number": number, "updated_at": at}], headers={"link": link, "etag": f'"{number}"'})

    script = Script().on("GET /user", Said(json={"login": "adw"})).on("GET /repos/o/r/issues", *map(page, range(1, 12)))
    date = {"date": "Fri, 01 May 2026 10:00:00 GMT"}
    script.on("GET /repos/o/r/issues/events", Said(json=[], headers=date))
    for name in ("issues/comments", "pulls"):
        script.on(f"GET /repos/o/r/{name}", Said(json=[]))
    github = script.github(database)
    begun = await github.changes("o/r", None)
    found = await github.changes("o/r", begun.cursor)
    assert [issue.number for issue in found.issues] == [1, 2, 3, 4, 5]
    assert not found.is_complete
    await github.changes("o/r", found.cursor)
    asked = [each.query for each in script.asked if each.path.endswith("/issues")]
    assert "since=2026-05-01T10%3A00%3A00Z" in asked[0]
    assert "since=2026-05-01T10%3A04%3A58Z" in asked[5]


@pytest.mark.parametrize("cursor", ["", "nonsense", "{}", "[]", '{"issues": 3}', '{"issues":{"since":1,"odd":2}}'])
async def test_what_is_no_cursor_is_refused(stage: GitHubStage, cursor: str):
    with pytest.raises(UsageError, match="no cursor"):
        await stage.github.changes(stage.full_name, cursor)
