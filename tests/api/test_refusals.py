"""Everything the API refuses, as tables."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from tests.api.problem import body, problem_of
from tests.api.stage import TOKEN, WORKFLOWS, Stage, client_of, operations

from adw.api.access import Gate
from adw.api.body_limit import MAX_BODY_BYTES
from adw.api.routes import ROUTERS

OPEN = {"/health", "/health/ready"}
SIGNED = {"/webhooks/github"}
UNDESCRIBED = {"/openapi.json", "/mcp"}
"""What speaks a protocol of its own, and the description itself."""
UNKNOWABLE = {"{kind}", "{code}", "{secret}"}
LINKED = "/approve/{secret}"
"""For people with a link, who get pages instead of problems."""
PARTS = {
    "adw_id": "abcd1234",
    "reference": "nothing",
    "number": "7",
    "name": "report.xml",
    "kind": "plan",
    "other": "abcd1235",
    "period": "total",
    "schedule_id": "1a2b3c4d",
    "code": "a-code",
    "secret": "a-secret",
    "channel": "nowhere",
    "rule_id": "1a2b3c4d",
    "delivery_id": "7",
}


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: PARTS[found[1]], path)


def routes() -> list[tuple[str, str]]:
    """Every method and path the application has, and the description itself."""
    found = [
        (method, route.path)  # type: ignore[attr-defined]
        for router in ROUTERS
        for route in router.routes
        for method in sorted(getattr(route, "methods", ()))  # a socket has none
    ]
    return [*found, ("GET", "/openapi.json")]


class TestToken:
    @pytest.mark.parametrize(("method", "path"), [each for each in routes() if each[1] != LINKED])
    async def test_every_route_but_health_needs_it(self, shared: Stage, method: str, path: str):
        async with client_of(shared.app) as client:
            del client.headers["Authorization"]
            answer = await client.request(method, filled(path))
        if path in OPEN:
            assert answer.status_code in {200, 503}
        else:
            problem_of(answer, status=401, code="unauthenticated")
            assert path in SIGNED or answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
            f"Bearer Bearer {TOKEN}",
            "Bearer \xff",
        ],
    )
    async def test_anything_but_the_token_is_refused(self, shared: Stage, given: str):
        headers = [(b"authorization", given.encode("latin-1"))]
        async with client_of(shared.app) as client:
            del client.headers["Authorization"]
            problem_of(await client.get("/api/workers", headers=headers), status=401, code="unauthenticated")

    async def test_the_scheme_is_written_in_any_case(self, shared: Stage):
        answer = await shared.http.get("/api/workers", headers={"Authorization": f"bearer {TOKEN}"})
        assert answer.status_code == 200

    async def test_an_address_that_does_not_exist_tells_strangers_nothing(self, shared: Stage):
        for path in ("/api/nothing", "/healthy", "/health/", "/health/%2e%2e/api/workers", "//health"):
            async with client_of(shared.app) as client:
                del client.headers["Authorization"]
                problem_of(await client.get(f"http://127.0.0.1{path}"), status=401, code="unauthenticated")

    def test_a_server_without_a_token_does_not_start(self):
        with pytest.raises(ValueError, match="token"):
            Gate(token="")


class TestDescription:
    async def test_it_is_openapi_3_1_with_names_and_problems_for_every_operation(self, shared: Stage):
        described = (await shared.http.get("/openapi.json")).json()
        assert described["openapi"].startswith("3.1")
        names = [op["operationId"] for item in described["paths"].values() for op in item.values()]
        assert len(names) == len(set(names)) == len([each for each in routes() if each[1] not in UNDESCRIBED])
        assert "hint" in described["components"]["schemas"]["Problem"]["properties"]

    def test_every_operation_declares_success_and_the_refusals_everything_has(self):
        for pattern, method, operation in operations():
            declared = set(operation["responses"])
            assert declared >= {"400", "401", "403", "413", "422", "429", "500", "503"}, operation["operationId"]
            assert declared & {"200", "201", "202", "303"}, operation["operationId"]
            assert operation.get("description"), operation["operationId"]
            is_open = pattern.pattern.startswith(("/approve/", "/health", "/webhooks/", "/login/"))
            assert is_open or operation["security"] == [{"token": []}, {"session": []}]
            assert method in {"GET", "POST", "PUT", "DELETE"}

    def test_every_operation_on_one_thing_declares_that_it_may_not_exist(self):
        for pattern, _, operation in operations():
            if "[^/]+" in pattern.pattern and not pattern.pattern.startswith("/login/"):
                assert "404" in operation["responses"], operation["operationId"]


class TestOrigin:
    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:8003", "192.168.0.1:8003", "127.0.0.1.evil.example", ""]
    )
    async def test_a_loopback_server_answers_to_loopback_names_only(self, shared: Stage, host: str):
        for path in ("/health", "/api/workers"):
            problem_of(await shared.http.get(path, headers={"Host": host}), status=403, code="wrong_host")

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.0.0.1:8003", "localhost:1", "LOCALHOST", "[::1]:8003", "127.8.8.8"]
    )
    async def test_all_loopback_names_are_right(self, shared: Stage, host: str):
        assert (await shared.http.get("/health", headers={"Host": host})).status_code == 200

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://[", ""])
    async def test_pages_of_other_sites_are_refused(self, shared: Stage, origin: str):
        answer = await shared.http.get("/api/workers", headers={"Origin": origin})
        problem_of(answer, status=403, code="foreign_origin")

    async def test_the_servers_own_pages_are_not(self, shared: Stage):
        answer = await shared.http.get("/api/workers", headers={"Origin": "http://127.0.0.1:8003"})
        assert answer.status_code == 200

    async def test_nothing_is_cached_sniffed_or_shared(self, shared: Stage):
        headers = (await shared.http.get("/api/workers")).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control")]


class TestBodies:
    @pytest.mark.parametrize(
        "content",
        [
            b"{",
            b"",
            b"nonsense",
            b'{"a": 1,}',
            b'\xff\xfe{"project": "x"}',
            b'{"project": "\xff"}',
            b"[" * 100_000,
            b'{"priority": ' + b"1" * 5000 + b"}",
        ],
    )
    async def test_what_is_not_json_is_a_bad_request(self, shared: Stage, content: bytes):
        headers = {"Content-Type": "application/json"}
        answer = await shared.http.post(WORKFLOWS, content=content, headers=headers)
        status, code = (422, "usage") if content == b"" else (400, "bad_request")
        problem_of(answer, status=status, code=code)

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
    async def test_json_must_be_called_json(self, shared: Stage, kind: str | None):
        headers = {} if kind is None else {"Content-Type": kind}
        answer = await shared.http.post(WORKFLOWS, content=json.dumps(body()).encode(), headers=headers)
        problem_of(answer, status=422, code="usage")

    @pytest.mark.parametrize(
        ("changes", "location"),
        [
            ({"surprise": 1}, "body.surprise"),
            ({"issue_number": 1}, "body.issue_number"),
            ({"options": {"skipE2E": True}}, "body.options.skipE2E"),
            ({"project": None}, "body.project"),
            ({"project": 7}, "body.project"),
            ({"project": ""}, "body.project"),
            ({"project": "x" * 5000}, "body.project"),
            ({"project": "a\0b"}, "body.project"),
            ({"prompt": "a\0b"}, "body.prompt"),
            ({"prompt": "half \ud800"}, "body.prompt"),
            ({"prompt": ""}, "body.prompt"),
            ({"prompt": ["x"]}, "body.prompt"),
            ({"prompt": "x" * 60_001}, "body.prompt"),
            ({"issueNumber": "1"}, "body.issueNumber"),
            ({"issueNumber": 1.5}, "body.issueNumber"),
            ({"issueNumber": True}, "body.issueNumber"),
            ({"issueNumber": 0}, "body.issueNumber"),
            ({"issueNumber": 2**31}, "body.issueNumber"),
            ({"modelSet": "huge"}, "body.modelSet"),
            ({"budgetUsd": 0}, "body.budgetUsd"),
            ({"budgetUsd": -1}, "body.budgetUsd"),
            ({"budgetUsd": True}, "body.budgetUsd"),
            ({"budgetUsd": "much"}, "body.budgetUsd"),
            ({"budgetUsd": 1e300}, "body.budgetUsd"),
            ({"budgetUsd": float("nan")}, "body.budgetUsd"),
            ({"budgetUsd": float("inf")}, "body.budgetUsd"),
            ({"budgetUsd": 0.0000001}, "body.budgetUsd"),
            ({"priority": 1001}, "body.priority"),
            ({"priority": "1"}, "body.priority"),
            ({"options": {"skipE2e": "yes"}}, "body.options.skipE2e"),
            ({"options": None}, "body.options"),
            ({"actor": "two\nlines"}, "body.actor"),
            ({"actor": ""}, "body.actor"),
            ({"workflowType": None}, "body.workflowType"),
        ],
    )
    async def test_a_field_that_cannot_be_used_is_named(self, shared: Stage, changes: dict[str, Any], location: str):
        content = json.dumps(body(**changes)).encode()
        answer = await shared.http.post(WORKFLOWS, content=content, headers={"Content-Type": "application/json"})
        problem = problem_of(answer, status=422, code="usage")
        assert [error["location"] for error in problem["errors"]] == [location]
        assert location in problem["detail"]

    async def test_a_name_that_is_half_a_character_is_refused_like_any_other(self, shared: Stage):
        content = b'{"\\ud800": 1, "project": "x", "workflowType": "plan"}'
        answer = await shared.http.post(WORKFLOWS, content=content, headers={"Content-Type": "application/json"})
        problem_of(answer, status=422, code="usage")

    async def test_whole_bodies_of_the_wrong_shape_are_refused(self, shared: Stage):
        for sent in ([], "text", 7, None, [body()]):
            problem_of(await shared.http.post(WORKFLOWS, json=sent), status=422, code="usage")

    async def test_a_body_that_announces_to_be_too_large_is_not_read(self, shared: Stage):
        class Unread(httpx.AsyncByteStream):
            async def __aiter__(self):
                raise AssertionError("the body was read")
                yield b""

        headers = {"Content-Length": str(MAX_BODY_BYTES + 1), "Content-Type": "application/json"}
        answer = await shared.http.post(WORKFLOWS, content=Unread(), headers=headers)
        problem_of(answer, status=413, code="body_too_large")

    async def test_a_body_that_grows_too_large_is_read_no_further(self, shared: Stage):
        sent = 0

        async def endless():
            nonlocal sent
            while sent < 100 * MAX_BODY_BYTES:
                sent += 64 * 1024
                yield b" " * 64 * 1024

        answer = await shared.http.post(WORKFLOWS, content=endless(), headers={"Content-Type": "application/json"})
        problem_of(answer, status=413, code="body_too_large")
        assert sent <= MAX_BODY_BYTES + 128 * 1024

    async def test_a_body_of_just_the_limit_is_read(self, shared: Stage):
        content = json.dumps(body()).encode().ljust(MAX_BODY_BYTES)
        answer = await shared.http.post(WORKFLOWS, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 409
        assert "neither a repository" in answer.json()["detail"]

    @pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "x"])
    async def test_a_length_that_is_none_is_refused(self, shared: Stage, length: str):
        headers = {"Content-Length": length, "Content-Type": "application/json"}
        answer = await shared.http.post(WORKFLOWS, content=b"{}", headers=headers)
        problem_of(answer, status=413, code="body_too_large")


class TestAddresses:
    @pytest.mark.parametrize("path", ["/", "/nothing", "/api", "/api/adw/workflows/", "/docs", "/health/"])
    async def test_unknown_ones_are_problems(self, shared: Stage, path: str):
        problem_of(await shared.http.get(path), status=404, code="not_found")

    @pytest.mark.parametrize(("method", "path"), [("PUT", WORKFLOWS), ("DELETE", "/api/workers"), ("POST", "/health")])
    async def test_wrong_methods_are_problems_that_name_the_right_ones(self, shared: Stage, method: str, path: str):
        answer = await shared.http.request(method, path)
        problem_of(answer, status=405, code="method_not_allowed")
        assert answer.headers["allow"]

    @pytest.mark.parametrize(
        "path",
        [
            f"{WORKFLOWS}/%00",
            f"{WORKFLOWS}/a%00b/events",
            f"{WORKFLOWS}/%ff",
            f"{WORKFLOWS}/%ed%a0%80",
            f"{WORKFLOWS}?text=%00",
            f"{WORKFLOWS}?text=%ff",
            "/api/projects/-?path=%2Ftmp%00",
            f"{WORKFLOWS}/abcd1234/artifacts/a%00",
        ],
    )
    async def test_bytes_that_are_no_text_are_bad_requests(self, shared: Stage, path: str):
        problem_of(await shared.http.get(path), status=400, code="bad_request")

    @pytest.mark.parametrize(
        ("method", "path"),
        [pair for pair in routes() if "{" in pair[1] and not UNKNOWABLE & set(pair[1].split("/"))],
    )
    async def test_what_does_not_exist_is_not_found(self, shared: Stage, method: str, path: str):
        sent = {
            "issues": {"title": "t"},
            "comments": {"body": "b"},
            "reviews": {"state": "approved"},
            "{period}": {"budgetUsd": 1},
            "{name}": {},
            "execute": {"slashCommand": "/test"},
            "command": {"command": "Look"},
        }.get(path.rsplit("/", 1)[-1])
        body = sent if method in {"POST", "PUT"} else None
        params = {"project": "nowhere"} if "budgets" in path else None
        answer = await shared.http.request(method, filled(path), json=body, params=params)
        problem = problem_of(answer, status=404, code="not_found")
        assert problem["hint"]

    @pytest.mark.parametrize(
        "reference",
        ["..%2F..%2Fetc", "%2e%2e", "%2Fetc%2Fpasswd", "*", "%25", "x'--", "ABCD1234", "a" * 3000, "%F0%9F%92%A9"],
    )
    async def test_odd_ids_and_names_are_not_found(self, shared: Stage, reference: str):
        await shared.work()
        for path in (f"{WORKFLOWS}/{reference}", f"/api/projects/{reference}", f"/api/projects/{reference}/issues"):
            answer = await shared.http.get(path)
            assert answer.status_code in {404, 422}, answer.text
            assert answer.json()["code"] in {"not_found", "usage"}

    @pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", str(2**31), "9" * 40])
    async def test_numbers_must_be_numbers(self, shared: Stage, number: str):
        workflow = await shared.work()
        for kind in ("issues", "pulls"):
            answer = await shared.http.get(f"/api/projects/{workflow.project_id}/{kind}/{number}")
            problem_of(answer, status=422, code="usage")

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            "limit=x",
            "limit=",
            "after=nonsense",
            "after=%F0%9F%92%A9",
            "after=MjAyNg",
            "after=MjAyNi0wMS0wMVQwMDowMDowMHxhYg",
            "status=asleep",
            "since=yesterday",
            "since=1700000000",
            "since=",
            "status=queued,asleep",
            f"kind={'x' * 101}",
            f"text={'x' * 300}",
        ],
    )
    async def test_odd_filters_of_the_list_are_refused(self, shared: Stage, query: str):
        problem_of(await shared.http.get(f"{WORKFLOWS}?{query}"), status=422, code="usage")

    @pytest.mark.parametrize("query", ["after=-1", f"after={2**63}", "after=x", "limit=1001", "types=nonsense"])
    async def test_odd_filters_of_events_are_refused(self, shared: Stage, query: str):
        adw_id = (await shared.work()).adw_id
        for path in ("events", "events/stream"):
            if "limit" not in query or path == "events":
                answer = await shared.http.get(f"{WORKFLOWS}/{adw_id}/{path}?{query}")
                problem_of(answer, status=422, code="usage")

    @pytest.mark.parametrize("key", ["", "x" * 201, "with space", "\xff"])
    async def test_odd_idempotency_keys_are_refused(self, shared: Stage, key: str):
        headers = [(b"idempotency-key", key.encode("latin-1"))]
        answer = await shared.http.post(WORKFLOWS, json=body(), headers=headers)
        problem_of(answer, status=422, code="usage")
