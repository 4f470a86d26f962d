"""Requests that are sent again with their key are done once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.api.problem import problem_of
from tests.api.stage import WORKFLOWS, Stage, client_of, operations

from adw.api import idempotency
from adw.api.idempotency import EXCEPT
from adw.domain.status import Status
from adw.store.db import Database
from adw.store.replays import Turn, take_turn

KEY = {"Idempotency-Key": "k-1"}


async def messages(stage: Stage, adw_id: str) -> list[str]:
    found = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/messages")).json()["messages"]
    return [each["body"] for each in found]


async def test_the_first_answer_is_given_again_and_nothing_is_done_twice(stage: Stage):
    adw_id = (await stage.work()).adw_id
    url, said = f"{WORKFLOWS}/{adw_id}/message", {"message": "Use the old format"}
    first = await stage.http.post(url, json=said, headers=KEY)
    again = await stage.http.post(url, json=said, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await messages(stage, adw_id)) == 1


async def test_it_is_given_by_another_server_after_a_restart(stage: Stage):
    adw_id = (await stage.work()).adw_id
    first = await stage.http.post(f"{WORKFLOWS}/{adw_id}/pause", headers=KEY)
    await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume")
    other = Database(stage.database.url)
    object.__setattr__(stage.services, "database", other)
    again = await stage.http.post(f"{WORKFLOWS}/{adw_id}/pause", headers=KEY)
    assert again.json() == first.json()
    assert (await stage.row(adw_id)).status is Status.QUEUED, "it was paused once"
    await other.close()


async def test_a_key_stands_for_one_request_of_one_person_to_one_address(stage: Stage):
    one, two = (await stage.work()).adw_id, (await stage.work("Other")).adw_id
    first = await stage.http.post(f"{WORKFLOWS}/{one}/message", json={"message": "a"}, headers=KEY)
    assert first.status_code == 201
    other = await stage.http.post(f"{WORKFLOWS}/{one}/message", json={"message": "b"}, headers=KEY)
    assert "new key" in problem_of(other, status=409, code="idempotency_key_reused")["hint"]
    assert (await stage.http.post(f"{WORKFLOWS}/{two}/message", json={"message": "b"}, headers=KEY)).status_code == 201
    token = (await stage.http.post("/api/tokens", json={"name": "ci", "scope": "operate"})).json()["secret"]
    async with client_of(stage.app, Authorization=f"Bearer {token}") as client:
        answer = await client.post(f"{WORKFLOWS}/{two}/cancel", headers=KEY)
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers
    assert await messages(stage, one) == ["a"]


async def test_requests_at_once_are_done_once_and_all_are_told(stage: Stage):
    adw_id = (await stage.work()).adw_id
    sent = [stage.http.post(f"{WORKFLOWS}/{adw_id}/message", json={"message": "a"}, headers=KEY) for _ in range(5)]
    answers = await asyncio.gather(*sent)
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    assert await messages(stage, adw_id) == ["a"]


async def test_one_that_takes_too_long_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    adw_id = (await stage.work()).adw_id
    monkeypatch.setattr(idempotency, "PATIENCE_S", 0.0)
    url = f"{WORKFLOWS}/{adw_id}/message"
    await stage.http.post(url, json={"message": "a"}, headers=KEY)
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE api_replays SET status = NULL"))
    answer = await stage.http.post(url, json={"message": "a"}, headers=KEY)
    problem_of(answer, status=409, code="idempotency_in_progress")
    assert answer.headers["retry-after"] == "1"
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE api_replays SET held_until = clock_timestamp() - interval '1 s'"))
    answer = await stage.http.post(url, json={"message": "a"}, headers=KEY)
    assert answer.status_code == 201, "its server died"
    assert await messages(stage, adw_id) == ["a"], "though after it had done it"


async def test_a_refusal_is_not_kept(stage: Stage):
    adw_id = (await stage.work()).adw_id
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume", headers=KEY)).status_code == 409
    await stage.http.post(f"{WORKFLOWS}/{adw_id}/pause")
    assert (await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume", headers=KEY)).status_code == 200


async def test_answers_are_kept_for_two_days(stage: Stage):
    async with stage.database.begin() as connection:
        assert await take_turn(connection, "i", request="r", holder="h") == (Turn.MINE, None)
        old = timedelta(hours=47)
        await connection.execute(text("UPDATE api_replays SET created_at = created_at - :old"), {"old": old})
        assert await take_turn(connection, "i", request="r", holder="g") == (Turn.BUSY, None)
        await connection.execute(text("UPDATE api_replays SET created_at = created_at - :old"), {"old": old})
        assert await take_turn(connection, "i", request="s", holder="g") == (Turn.MINE, None)


async def test_secrets_are_not_kept(stage: Stage):
    wish = {"name": "ci", "scope": "read"}
    assert (await stage.http.post("/api/tokens", json=wish, headers=KEY)).status_code == 201
    problem_of(await stage.http.post("/api/tokens", json=wish, headers=KEY), status=409, code="conflict")
    async with stage.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM api_replays"))).scalar() == 0


async def test_a_key_given_twice_and_a_body_too_large_are_refused(shared: Stage):
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    problem_of(await shared.http.post(WORKFLOWS, json={}, headers=twice), status=422, code="usage")

    async def endless():
        for _ in range(40):
            yield b" " * 65536

    problem_of(await shared.http.post(WORKFLOWS, content=endless(), headers=KEY), status=413, code="body_too_large")


def test_every_post_takes_a_key_unless_it_is_an_exception():
    for pattern, method, operation in operations():
        names = {each["name"] for each in operation.get("parameters", ())}
        is_exception = EXCEPT.fullmatch(pattern.pattern) or pattern.pattern.startswith(("/webhooks/", "/approve/"))
        assert ("idempotency-key" in names) == (method == "POST" and not is_exception), operation["operationId"]
