"""Conversations as GraphQL tells them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.forge.github.client.scripted import Said, Script
from tests.forge.github.stage import GitHubStage
from tests.forge.stage import open_pull

from adw.forge.github_stand_in import Place
from adw.kit.errors import ForgeDeniedError, ForgeError, ForgeLimitError, NotFoundError
from adw.store.db import Database


def comment(number: int, *, author: dict[str, str] | None, body: str = "said") -> dict[str, Any]:
    return {"id": f"C{number}", "databaseId": number, "body": body, "author": author, "url": None} | {
        "createdAt": "2026-05-01T10:00:00Z"
    }


def page(nodes: list[Any], *, after: str | None = None) -> dict[str, Any]:
    return {"nodes": nodes, "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}


def threads(nodes: list[Any], *, after: str | None = None) -> Said:
    return Said(json={"data": {"repository": {"pullRequest": {"reviewThreads": page(nodes, after=after)}}}})


async def test_long_lists_and_long_threads_are_read_to_their_end(database: Database):
    ada, bot = {"login": "ada", "__typename": "User"}, {"login": "linter", "__typename": "Bot"}
    first = {"id": "T1", "path": "a.py", "line": None, "originalLine": 7, "isOutdated": True}
    first |= {"comments": page([comment(1, author=ada)], after="c")}
    second = {"id": "T2", "path": "b.py", "line": 2, "isResolved": True, "comments": page([comment(3, author=None)])}
    empty = {"id": "T3", "comments": None}
    script = (
        Script()
        .on("GET /user", Said(json={"login": "adw"}))
        .on(
            "POST /graphql",
            threads([first], after="t"),
            Said(json={"data": {"node": {"comments": page([comment(2, author=bot)])}}}),
            threads([second, None, empty]),
        )
    )
    found = await script.github(database).forge("o/r").list_threads(1)
    assert [(each.id, each.line, each.is_resolved, each.is_outdated) for each in found] == [
        ("T1", 7, False, True),
        ("T2", 2, True, False),
    ]
    assert [(said.author, said.author_is_bot) for each in found for said in each.comments] == [
        ("ada", False),
        ("linter[bot]", True),
        ("ghost", False),
    ]
    asked = [each.json for each in script.asked if each.method == "POST"]
    assert [each["operationName"] for each in asked] == ["Threads", "ThreadComments", "Threads"]
    assert [each["variables"].get("after") for each in asked] == [None, "c", "t"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("NOT_FOUND", NotFoundError),
        ("FORBIDDEN", ForgeDeniedError),
        ("RATE_LIMITED", ForgeLimitError),
        ("SOMETHING", ForgeError),
        (None, ForgeError),
    ],
)
async def test_refusals_inside_a_success_are_refusals(database: Database, kind: str | None, error: type[Exception]):
    said = {"errors": [{"type": kind, "message": "because"}], "data": {"repository": None}}
    script = Script().on("GET /user", Said(json={"login": "adw"})).on("POST /graphql", Said(json=said))
    with pytest.raises(error):
        await script.github(database).forge("o/r").list_threads(1)


async def test_a_query_is_repeated_and_a_mutation_is_not(database: Database):
    one = {"id": "T1", "comments": page([comment(1, author=None)])}
    script = Script().on("GET /user", Said(json={"login": "adw"}))
    script.on(
        "POST /graphql", Said(status=502), threads([one]), Said(status=502), threads([{**one, "isResolved": True}])
    )
    await script.github(database).forge("o/r").resolve_thread(1, thread_id="T1")
    names = [each.json["operationName"] for each in script.asked if each.method == "POST"]
    assert names == ["Threads", "Threads", "ResolveThread", "Threads"]


async def test_a_stranger_cannot_pose_as_our_answer(stage: GitHubStage):
    pull = await open_pull(stage)
    place = Place(path="work.txt", body="Why?", line=1)
    stage.stand_in.review(stage.full_name, pull.number, "COMMENT", by="ada", body="x", comments=[place])
    [thread] = await stage.forge.list_threads(pull.number)
    root = int(thread.comments[0].id)
    stage.stand_in.reply(stage.full_name, root, "Done.\n\n<!-- adw:key=round:1 -->", by="eve")
    said = await stage.forge.reply_to_thread(pull.number, thread_id=thread.id, body="Really done.", key="round:1")
    assert said.author == stage.ourselves
    [thread] = await stage.forge.list_threads(pull.number)
    assert [(each.author, each.key) for each in thread.comments] == [("ada", None), ("eve", None), ("adw", "round:1")]
