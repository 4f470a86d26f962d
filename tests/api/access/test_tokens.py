"""Tokens that were given out: what each scope may do, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.datastructures import Headers
from tests.api.problem import problem_of, unusable
from tests.api.stage import TOKEN, Stage, client_of
from tests.api.test_refusals import OPEN, filled, routes

from adw.api.access import AccessScope, check_access
from adw.api.access.gate import BELIEVED_S
from adw.api.access.limits import PeerLimit
from adw.api.access.scopes import changes_something, needed_scope
from adw.control.access import Access

ADMIN = {
    ("GET", "/api/tokens"),
    ("POST", "/api/tokens"),
    ("DELETE", "/api/tokens/{reference}"),
    ("GET", "/api/audit"),
    ("GET", "/api/config"),
    ("POST", "/api/notifications/channels"),
    ("DELETE", "/api/notifications/channels/{channel}"),
    ("POST", "/api/notifications/channels/{channel}/test"),
    ("POST", "/api/notifications/rules"),
    ("POST", "/api/notifications/rules/{rule_id}/on"),
    ("POST", "/api/notifications/rules/{rule_id}/off"),
    ("DELETE", "/api/notifications/rules/{rule_id}"),
    ("POST", "/api/notifications/deliveries/{delivery_id}/retry"),
    ("PUT", "/api/budgets/{period}"),
    ("DELETE", "/api/budgets/{period}"),
}
HARMLESS_POSTS = {"/api/adw/workflows/preview", "/api/login", "/api/logout", "/mcp"}
WITHOUT = {"/webhooks/github", "/login/{code}", "/approve/{secret}"}


async def given(stage: Stage, scope: str = "operate", **more: Any) -> dict[str, Any]:
    name = f"{scope}-{datetime.now(UTC).timestamp()}"
    answer = await stage.http.post("/api/tokens", json={"name": name, "scope": scope} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def with_token(stage: Stage, secret: str) -> httpx.AsyncClient:
    return client_of(stage.app, Authorization=f"Bearer {secret}")


def known_routes() -> list[tuple[str, str]]:
    return [(method, path) for method, path in routes() if path not in OPEN | WITHOUT]


class TestScopes:
    @pytest.mark.parametrize(("method", "path"), known_routes())
    def test_every_route_needs_what_its_kind_needs(self, method: str, path: str):
        expected = AccessScope.READ if method == "GET" or path in HARMLESS_POSTS else AccessScope.OPERATE
        if (method, path) in ADMIN:
            expected = AccessScope.ADMIN
        assert needed_scope(method, filled(path)) is expected

    def test_what_needs_an_admin_exists(self):
        assert set(routes()) >= ADMIN

    async def test_every_route_is_closed_to_a_scope_too_small(self, shared: Stage):
        secrets = {scope: (await given(shared, scope))["secret"] for scope in ("read", "operate")}
        for method, path in known_routes():
            needed = needed_scope(method, filled(path))
            if needed is AccessScope.READ:
                continue
            async with with_token(shared, secrets["read" if needed is AccessScope.OPERATE else "operate"]) as client:
                answer = await client.request(method, filled(path))
            problem = problem_of(answer, status=403, code="forbidden")
            assert needed in problem["hint"]

    async def test_reading_is_open_to_readers(self, shared: Stage):
        async with with_token(shared, (await given(shared, "read"))["secret"]) as client:
            for path in ("/api/workers", "/api/adw/workflows", "/openapi.json", "/api/session", "/api/budgets"):
                assert (await client.get(path)).status_code == 200, path

    async def test_orders_are_taken_of_operators(self, shared: Stage):
        adw_id = (await shared.work()).adw_id
        async with with_token(shared, (await given(shared, "operate"))["secret"]) as client:
            assert (await client.post(f"/api/adw/workflows/{adw_id}/pause")).status_code == 200

    def test_every_method_but_reading_is_written_down(self):
        for method, path in routes():
            expected = (method != "GET" and not path.endswith(("/preview", "/mcp"))) or path == "/login/{code}"
            assert changes_something(method, filled(path)) is expected

    @pytest.mark.parametrize("path", ["/api/tokens/", "/api/tokens/a\nb", "/api/tokens/x/y", "/api/config/a"])
    def test_what_lies_below_is_closed_too(self, path: str):
        assert needed_scope("GET", path) is AccessScope.ADMIN


class TestLife:
    async def test_a_secret_is_told_once_and_kept_as_a_digest(self, stage: Stage):
        made = await given(stage, "read")
        assert made["secret"].startswith("adw_")
        assert len(made["secret"]) >= 43
        assert "secret" not in (await stage.http.get("/api/tokens")).json()["tokens"][0]
        async with stage.database.read() as connection:
            row = (await connection.execute(text("SELECT * FROM api_tokens"))).one()
        assert not any(made["secret"] in str(value) for value in row)
        assert made["token"]["createdBy"] == "server"

    async def test_it_shows_when_it_was_used_last(self, stage: Stage):
        made = await given(stage, "read")
        assert made["token"]["lastUsedAt"] is None
        async with with_token(stage, made["secret"]) as client:
            await client.get("/api/workers")
        listed = (await stage.http.get("/api/tokens")).json()["tokens"]
        used = datetime.fromisoformat(listed[0]["lastUsedAt"])
        stage.app.state.gate.forget()
        async with with_token(stage, made["secret"]) as client:
            await client.get("/api/workers")
        listed = (await stage.http.get("/api/tokens")).json()["tokens"]
        assert datetime.fromisoformat(listed[0]["lastUsedAt"]) == used, "written at most once a minute"

    async def test_a_revoked_one_is_refused_at_once_and_is_revoked_only_once(self, stage: Stage):
        made = await given(stage, "admin")
        async with with_token(stage, made["secret"]) as client:
            assert (await client.get("/api/workers")).status_code == 200
            gone = (await stage.http.delete(f"/api/tokens/{made['token']['name']}")).json()
            problem = problem_of(await client.get("/api/workers"), status=401, code="unauthenticated")
        assert "revoked" in problem["detail"]
        assert (await stage.http.delete(f"/api/tokens/{gone['id']}")).json() == gone

    async def test_another_process_notices_within_seconds(self, stage: Stage, monkeypatch: pytest.MonkeyPatch):
        made = await given(stage, "read")
        now = [1000.0]
        monkeypatch.setattr("adw.api.access.gate.time.monotonic", lambda: now[0])
        async with with_token(stage, made["secret"]) as client:
            await client.get("/api/workers")
            await Access(database=stage.database).revoke_token(made["token"]["id"])  # by another process
            assert (await client.get("/api/workers")).status_code == 200
            now[0] += BELIEVED_S
            assert (await client.get("/api/workers")).status_code == 401

    async def test_an_expired_one_is_refused(self, stage: Stage):
        soon = datetime.now(UTC) + timedelta(days=1)
        made = await given(stage, "read", expiresAt=soon.isoformat())
        async with stage.database.begin() as connection:
            await connection.execute(text("UPDATE api_tokens SET expires_at = clock_timestamp()"))
        async with with_token(stage, made["secret"]) as client:
            problem = problem_of(await client.get("/api/workers"), status=401, code="unauthenticated")
        assert "expired" in problem["detail"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": ""},
            {"name": "two\nlines"},
            {"name": "x" * 101},
            {"name": "1a2b3c4d"},
            {"name": "Server"},
            {"name": "anonymous"},
            {"scope": "root"},
            {"scope": None},
            {"expiresAt": "2001-01-01T00:00:00Z"},
            {"expiresAt": "9999-01-01T00:00:00Z"},
            {"expiresAt": "soon"},
            {"expiresAt": 1900000000},
            {"secret": "mine"},
        ],
    )
    async def test_odd_wishes_are_refused(self, shared: Stage, changes: dict[str, Any]):
        answer = await shared.http.post("/api/tokens", json={"name": "ci", "scope": "read"} | changes)
        unusable(answer)

    async def test_a_name_is_given_once_until_it_is_revoked(self, stage: Stage):
        wish = {"name": "ci", "scope": "read"}
        first = (await stage.http.post("/api/tokens", json=wish)).json()["token"]["id"]
        problem_of(await stage.http.post("/api/tokens", json=wish), status=409, code="conflict")
        await stage.http.delete(f"/api/tokens/{first}")
        assert (await stage.http.post("/api/tokens", json=wish)).status_code == 201


class TestFailures:
    async def test_an_address_that_fails_too_often_has_to_wait(self, stage: Stage):
        good = (await given(stage, "read"))["secret"]
        stage.app.state.gate.failures = PeerLimit(burst=3, per_minute=0.1)
        async with with_token(stage, "wrong") as client:
            for _ in range(3):
                assert (await client.get("/api/workers")).status_code == 401
            answer = await client.get("/api/workers")
        problem_of(answer, status=429, code="too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1
        async with with_token(stage, good) as client:
            answer = await client.get("/api/workers")
            assert answer.status_code == 200, "whoever shares the address and has a valid token is let in"
        assert (await stage.http.get("/api/workers")).status_code == 200, "the server's own token needs no look"

    async def test_requests_without_a_token_are_not_counted(self, stage: Stage):
        stage.app.state.gate.failures = PeerLimit(burst=1, per_minute=0.1)
        async with client_of(stage.app) as client:
            del client.headers["Authorization"]
            for _ in range(3):
                assert (await client.get("/api/workers")).status_code == 401


class TestSockets:
    async def test_they_are_let_in_by_header_word_or_cookie(self, stage: Stage):
        secret = (await given(stage, "read"))["secret"]
        by_header = await check_access(stage.app, headers=Headers({"Authorization": f"Bearer {secret}"}))
        by_word = await check_access(stage.app, token=secret)
        assert by_header is not None
        assert by_header == by_word
        assert by_header.scopes == {AccessScope.READ}
        own = await check_access(stage.app, token=TOKEN)
        assert own is not None
        assert own.is_server
        assert await check_access(stage.app, token="nonsense") is None
        assert await check_access(stage.app, headers=Headers({})) is None
