from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, execute, parse, validate
from tests.corpora.npm import GRAPHQL, published
from tests.forge.github_stand_in.conftest import REPO, Scene

from adw.forge.github.documents import DOCUMENTS

OWNER, NAME = REPO.split("/")


@pytest.fixture(scope="session")
def schema(request: pytest.FixtureRequest) -> GraphQLSchema:
    return build_schema(published(GRAPHQL, request.config.cache).read_text(), assume_valid=True)


def ask(scene: Scene, operation: str, **variables: Any) -> dict[str, Any]:
    content = {"query": DOCUMENTS[operation], "operationName": operation, "variables": variables}
    answer = scene.bob.post("/graphql", json=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_document_of_our_client_is_valid_and_answered_as_the_schema_says(scene: Scene, schema):
    stand, number = scene.stand, scene.pull()
    root = stand.thread(REPO, number, path="totals.py", line=5, body="Why?", by="eve")
    stand.reply(REPO, root.id, "Because.", by="bob")
    stand.add_user("critic[bot]", type="Bot")
    stand.thread(REPO, number, path="totals.py", body="Too long", by="critic[bot]")
    pull = scene.bob.get(f"/repos/{REPO}/pulls/{number}").json()
    place = {"owner": OWNER, "name": NAME, "number": number, "after": None}
    [first, second] = ask(scene, "Threads", **place)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    assert [said["author"] for said in second["comments"]["nodes"]] == [{"login": "critic", "__typename": "Bot"}]
    stand.protect(REPO, "main", checks=["ci"])
    auto = {"method": "SQUASH", "sha": pull["head"]["sha"], "title": "T", "text": None}
    given: dict[str, dict[str, Any]] = {
        "Viewer": {},
        "Threads": place,
        "ThreadComments": {"id": first["id"], "after": None},
        "ResolveThread": {"id": first["id"]},
        "MarkDraft": {"id": pull["node_id"]},
        "MarkReady": {"id": pull["node_id"]},
        "EnableAutoMerge": {"id": pull["node_id"], **auto},
        "DisableAutoMerge": {"id": pull["node_id"]},
    }
    assert given.keys() == DOCUMENTS.keys()
    for operation, variables in given.items():
        document = parse(DOCUMENTS[operation])
        assert validate(schema, document) == []
        answer = ask(scene, operation, **variables)
        assert "errors" not in answer, answer
        again = execute(
            schema, document, answer["data"], variable_values=variables, type_resolver=lambda value, *_: _type_of(value)
        )
        assert (again.data, again.errors) == (answer["data"], None)


def _type_of(value: dict[str, Any]) -> str:
    return value.get("__typename") or "PullRequestReviewThread"


def test_long_lists_come_in_pages(scene: Scene):
    number = scene.pull()
    root = scene.stand.thread(REPO, number, path="totals.py", line=5, body="0", by="eve")
    for count in range(1, 4):
        scene.stand.reply(REPO, root.id, str(count), by="bob")
    document = """query P($id: ID!, $after: String) { node(id: $id) { ... on PullRequestReviewThread {
        comments(first: 3, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { body } } } } }"""
    thread = f"PRRT_{root.id:012d}"
    seen, after = [], None
    while True:
        answer = scene.bob.post("/graphql", json={"query": document, "variables": {"id": thread, "after": after}})
        page = answer.json()["data"]["node"]["comments"]
        seen.append([said["body"] for said in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (seen, page["totalCount"]) == ([["0", "1", "2"], ["3"]], 4)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ('{ repository(owner: "ada", name: "nothing") { id } }', "NOT_FOUND"),
        ('{ repository(owner: "ada", name: "tally") { stars } }', "undefinedField"),
        ('{ node(id: "PRRT_000000000001") { id } }', "NOT_FOUND"),
        ('mutation { convertPullRequestToDraft(input: {pullRequestId: "PR_1"}) { __typename } }', "NOT_FOUND"),
    ],
)
def test_refusals_are_errors_inside_a_success(scene: Scene, document, kind):
    answer = scene.bob.post("/graphql", json={"query": document})
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (200, kind)


def test_who_may_only_read_settles_nothing(scene: Scene):
    number = scene.pull()
    root = scene.stand.thread(REPO, number, path="totals.py", line=5, body="0", by="eve")
    content = {"query": DOCUMENTS["ResolveThread"], "variables": {"id": f"PRRT_{root.id:012d}"}}
    assert scene.eve.post("/graphql", json=content).json()["errors"][0]["type"] == "FORBIDDEN"
    assert scene.nobody.post("/graphql", json=content).status_code == 401
    assert root.resolved_by is None


@pytest.mark.parametrize("query", ["{", "query A { viewer { login } } query B { viewer { login } }", "{ ...nothing }"])
def test_what_is_no_document_is_a_bad_request(scene: Scene, query):
    assert scene.bob.post("/graphql", json={"query": query}).status_code == 400
