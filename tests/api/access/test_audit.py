"""What is written down about who changed what."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from tests.api.problem import body, problem_of
from tests.api.stage import TOKEN, WORKFLOWS, Stage, client_of

from adw.store.audit import Deed, purge_deeds, record_deed
from adw.store.db import Database


async def entries(stage: Stage, **params: Any) -> list[dict[str, Any]]:
    return (await stage.http.get("/api/audit", params=params)).json()["entries"]


async def test_a_change_is_written_down_with_who_what_and_from_where(stage: Stage):
    adw_id = (await stage.work()).adw_id
    wish = {"name": "ci", "scope": "operate"}
    made = (await stage.http.post("/api/tokens", json=wish)).json()
    async with client_of(stage.app, Authorization=f"Bearer {made['secret']}") as client:
        await client.post(f"{WORKFLOWS}/{adw_id}/pause", json={"actor": "Somebody"}, headers={"Idempotency-Key": "k"})
    pause, create = await entries(stage)
    at = pause.pop("at")
    assert at > create["at"]
    assert pause == {
        "id": pause["id"],
        "who": "ci",
        "tokenId": made["token"]["id"],
        "sessionId": None,
        "method": "POST",
        "route": f"{WORKFLOWS}/{{adw_id}}/pause",
        "target": adw_id,
        "status": 200,
        "peer": "127.0.0.1",
        "idempotencyKey": "k",
        "times": 1,
    }
    assert (create["who"], create["route"], create["status"]) == ("server", "/api/tokens", 201)


async def test_what_was_refused_is_written_down_too(stage: Stage):
    await stage.http.post(WORKFLOWS, json=body(surprise=1))
    await stage.http.post(f"{WORKFLOWS}/abcd1234/cancel")
    await stage.http.post("/api/nothing")
    await stage.http.post(f"{WORKFLOWS}/abcd1234/cancel", headers={"Origin": "https://evil.example"})
    await stage.http.post(WORKFLOWS, content=b"x" * 2_000_000)
    found = [(each["status"], each["route"], each["who"]) for each in await entries(stage)]
    assert found == [
        (413, WORKFLOWS, "server"),
        (403, f"{WORKFLOWS}/{{adw_id}}/cancel", "anonymous"),
        (404, "(no such route)", "server"),
        (404, f"{WORKFLOWS}/{{adw_id}}/cancel", "server"),
        (422, WORKFLOWS, "server"),
    ]


async def test_looking_is_not(stage: Stage):
    await stage.http.get("/api/workers")
    await stage.http.get("/api/nothing")
    await stage.http.post(f"{WORKFLOWS}/preview", json=body())
    assert await entries(stage) == []


async def test_strangers_share_a_row_so_that_they_push_nobody_out(stage: Stage):
    async with client_of(stage.app) as client:
        del client.headers["Authorization"]
        for number in range(5):
            problem_of(await client.post(f"{WORKFLOWS}/{number}/cancel"), status=401, code="unauthenticated")
    found = await entries(stage)
    assert 1 <= len(found) <= 2, "one, or two when the minute changed"
    assert sum(each["times"] for each in found) == 5
    assert found[0]["who"] == "anonymous"


async def test_a_defect_is_written_down(stage: Stage):
    adw_id = (await stage.work()).adw_id
    async with client_of(stage.app, reraise=False) as client:
        stage.app.state.services = _Broken(stage)
        try:
            answer = await client.post(f"{WORKFLOWS}/{adw_id}/cancel")
        finally:
            stage.app.state.services = stage.services
    assert answer.status_code == 500
    assert [each["status"] for each in await entries(stage)] == [500]


async def test_it_is_paged_and_can_be_asked_by_name(stage: Stage):
    for _ in range(3):
        await stage.http.post("/api/logout")
    page = (await stage.http.get("/api/audit", params={"limit": 2})).json()
    rest = (await stage.http.get("/api/audit", params={"after": page["nextCursor"]})).json()
    assert (len(page["entries"]), len(rest["entries"]), rest["nextCursor"]) == (2, 1, None)
    assert await entries(stage, who="nobody") == []
    assert len(await entries(stage, who="server")) == 3
    problem_of(await stage.http.get("/api/audit?after=x"), status=422, code="usage")


async def test_it_is_kept_for_a_while_and_to_a_number(stage: Stage):
    async with stage.database.begin() as connection:
        for number in range(6):
            await record_deed(connection, Deed(who=f"w{number}", method="POST", route="/", status=200))
        await connection.execute(text("UPDATE audit_entries SET at = at - interval '400 days' WHERE who = 'w0'"))
        assert await purge_deeds(connection, rows=4) == 2
    assert [each["who"] for each in await entries(stage)] == ["w5", "w4", "w3", "w2"]


async def test_text_that_cannot_be_stored_is_no_reason_not_to_write(stage: Stage):
    headers = [(b"idempotency-key", b"\xff" * 400), (b"authorization", f"Bearer {TOKEN}".encode())]
    answer = await stage.http.post(f"{WORKFLOWS}/%F0%9F%92%A9/cancel", headers=headers)
    assert answer.status_code == 422
    assert (await entries(stage))[0]["target"] == "\N{PILE OF POO}"


async def test_without_a_database_nobody_is_told_that_a_token_is_wrong(stage: Stage):
    stage.app.state.services = _Gone()
    try:
        with_own = await stage.http.post("/api/tokens", json={"name": "ci", "scope": "read"})
        async with client_of(stage.app, Authorization="Bearer adw_given") as client:
            with_given = await client.get("/api/workers")
    finally:
        stage.app.state.services = stage.services
    for answer in (with_own, with_given):
        problem_of(answer, status=503, code="database")
    assert await entries(stage) == []


class _Gone:
    """Services whose database does not answer."""

    database = Database("postgresql://nobody@127.0.0.1:1/none")


class _Broken:
    """Services that fall over as soon as they are used for anything but the database."""

    def __init__(self, stage: Stage) -> None:
        self.database = stage.database

    @property
    def control(self) -> Any:
        raise RuntimeError("a defect")
