"""Browsers: the link, the cookie, and what pages of other sites cannot do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
from sqlalchemy import text
from starlette.datastructures import Headers
from tests.api.problem import problem_of
from tests.api.stage import URL, Stage, client_of

from adw.api.access import check_access
from adw.api.access.limits import PeerLimit
from adw.domain.access import csrf_of, digest


async def link_of(client: httpx.AsyncClient, actor: str = "Ann") -> str:
    answer = await client.post("/api/login", json={"actor": actor})
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """One that keeps its cookies and has no token."""
    async with client_of(stage.app) as client:
        del client.headers["Authorization"]
        yield client


async def log_in(stage: Stage, browser: httpx.AsyncClient) -> dict[str, str]:
    """Returns what our own pages send with a change."""
    await browser.get(await link_of(stage.http))
    return {"Origin": URL, "X-ADW-CSRF": browser.cookies["adw_csrf"]}


class TestLink:
    async def test_it_logs_in_and_leads_to_the_first_page(self, stage: Stage, browser: httpx.AsyncClient):
        answer = await browser.get(await link_of(stage.http))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        jar: SimpleCookie = SimpleCookie()
        for line in answer.headers.get_list("set-cookie"):
            jar.load(line)
        session, csrf = jar["adw_session"], jar["adw_csrf"]
        assert session["httponly"]
        assert not csrf["httponly"]
        assert session["samesite"] == csrf["samesite"] == "strict"
        assert session["path"] == "/"
        assert csrf.value == csrf_of(session.value)
        told = (await browser.get("/api/session")).json()
        assert told == {"name": "Ann", "scope": "admin", "isSession": True, "csrf": csrf.value}
        entry = (await stage.http.get("/api/audit")).json()["entries"][0]
        assert (entry["who"], entry["route"], entry["target"]) == ("Ann", "/login/{code}", None)

    async def test_it_works_once(self, stage: Stage, browser: httpx.AsyncClient):
        link = await link_of(stage.http)
        assert (await browser.get(link)).status_code == 303
        problem_of(await browser.get(link), status=401, code="unauthenticated")

    async def test_it_works_for_a_minute(self, stage: Stage, browser: httpx.AsyncClient):
        link = await link_of(stage.http)
        async with stage.database.begin() as connection:
            await connection.execute(text("UPDATE login_links SET expires_at = expires_at - interval '61 seconds'"))
        problem_of(await browser.get(link), status=401, code="unauthenticated")

    async def test_neither_link_nor_cookie_is_kept_readable(self, stage: Stage, browser: httpx.AsyncClient):
        code = (await link_of(stage.http)).rpartition("/")[2]
        async with stage.database.read() as connection:
            assert (await connection.execute(text("SELECT digest FROM login_links"))).scalar_one() == digest(code)
        await browser.get(f"/login/{code}")
        async with stage.database.read() as connection:
            row = (await connection.execute(text("SELECT * FROM web_sessions"))).one()
            deeds = (await connection.execute(text("SELECT * FROM audit_entries"))).all()
        assert browser.cookies["adw_session"] not in map(str, row)
        assert code not in str(deeds)

    async def test_guessing_is_soon_over(self, stage: Stage, browser: httpx.AsyncClient):
        stage.app.state.gate.links = PeerLimit(burst=2, per_minute=0.1)
        for _ in range(2):
            assert (await browser.get("/login/guess")).status_code == 401
        answer = await browser.get(await link_of(stage.http))
        problem_of(answer, status=429, code="too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1

    async def test_a_name_is_believed_of_the_server_only(self, stage: Stage, browser: httpx.AsyncClient):
        wish = {"name": "ci", "scope": "read"}
        secret = (await stage.http.post("/api/tokens", json=wish)).json()["secret"]
        async with client_of(stage.app, Authorization=f"Bearer {secret}") as client:
            await browser.get(await link_of(client, "Root"))
        told = (await browser.get("/api/session")).json()
        assert (told["name"], told["scope"]) == ("ci", "read")
        await stage.http.delete("/api/tokens/ci")
        problem_of(await browser.get("/api/session"), status=401, code="unauthenticated")


class TestSession:
    async def test_it_reads_without_more(self, stage: Stage, browser: httpx.AsyncClient):
        await log_in(stage, browser)
        assert (await browser.get("/api/workers")).status_code == 200

    async def test_our_own_pages_change_things_with_it(self, stage: Stage, browser: httpx.AsyncClient):
        own = await log_in(stage, browser)
        adw_id = (await stage.work()).adw_id
        answer = await browser.post(f"/api/adw/workflows/{adw_id}/pause", headers=own)
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"X-ADW-CSRF": None}, "forbidden"),
            ({"X-ADW-CSRF": "0" * 64}, "forbidden"),
            ({"X-ADW-CSRF": ""}, "forbidden"),
            ({"Origin": None}, "forbidden"),
            ({"Origin": "https://evil.example"}, "foreign_origin"),
            ({"Origin": "null"}, "foreign_origin"),
        ],
    )
    async def test_other_pages_do_not(
        self, stage: Stage, browser: httpx.AsyncClient, changes: dict[str, str | None], code: str
    ):
        own = await log_in(stage, browser)
        adw_id = (await stage.work()).adw_id
        headers = {name: value for name, value in (own | changes).items() if value is not None}
        answer = await browser.post(f"/api/adw/workflows/{adw_id}/cancel", headers=headers)
        problem_of(answer, status=403, code=code)
        assert (await stage.row(adw_id)).status == "queued"

    async def test_the_word_of_another_session_does_not_do(self, stage: Stage, browser: httpx.AsyncClient):
        await log_in(stage, browser)
        headers = {"Origin": URL, "X-ADW-CSRF": csrf_of("another session")}
        problem_of(await browser.post("/api/logout", headers=headers), status=403, code="forbidden")

    async def test_a_token_in_the_header_goes_before_the_cookie(self, stage: Stage, browser: httpx.AsyncClient):
        await log_in(stage, browser)
        wrong = {"Authorization": "Bearer wrong"}
        problem_of(await browser.get("/api/workers", headers=wrong), status=401, code="unauthenticated")

    async def test_logging_out_ends_it(self, stage: Stage, browser: httpx.AsyncClient):
        own = await log_in(stage, browser)
        secret = browser.cookies["adw_session"]
        assert (await browser.post("/api/logout", headers=own)).json()["name"] == "Ann"
        assert "adw_session" not in browser.cookies
        cookie = {"Cookie": f"adw_session={secret}"}
        problem_of(await browser.get("/api/workers", headers=cookie), status=401, code="unauthenticated")

    async def test_a_token_has_none_to_end(self, stage: Stage):
        problem_of(await stage.http.post("/api/logout"), status=409, code="conflict")

    async def test_it_ends_when_nobody_uses_it_and_moves_on_while_somebody_does(
        self, stage: Stage, browser: httpx.AsyncClient
    ):
        await log_in(stage, browser)
        async with stage.database.begin() as connection:
            old = "seen_at = seen_at - interval '6 days', expires_at = expires_at - interval '6 days'"
            await connection.execute(text(f"UPDATE web_sessions SET {old}"))
        stage.app.state.gate.forget()
        assert (await browser.get("/api/workers")).status_code == 200
        async with stage.database.begin() as connection:
            left = text("SELECT expires_at - clock_timestamp() > interval '6 days' FROM web_sessions")
            assert (await connection.execute(left)).scalar_one() is True
            await connection.execute(text("UPDATE web_sessions SET expires_at = clock_timestamp()"))
        stage.app.state.gate.forget()
        problem_of(await browser.get("/api/workers"), status=401, code="unauthenticated")

    @pytest.mark.parametrize("cookie", ["adw_session=", "adw_session", "adw_session=\xff", "=;;=", "x" * 5000])
    async def test_odd_cookies_are_nobodys(self, browser: httpx.AsyncClient, cookie: str):
        headers = [(b"cookie", cookie.encode("latin-1"))]
        problem_of(await browser.get("/api/workers", headers=headers), status=401, code="unauthenticated")

    async def test_sockets_know_it(self, stage: Stage, browser: httpx.AsyncClient):
        await log_in(stage, browser)
        cookie = Headers({"cookie": f"a=b; adw_session={browser.cookies['adw_session']}"})
        principal = await check_access(stage.app, headers=cookie)
        assert principal is not None
        assert principal.name == "Ann"
        assert principal.session_id is not None
