"""What is odd about a request before any route is chosen."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.api.problem import problem_of
from tests.api.sockets import served
from tests.api.stage import TOKEN, WORKFLOWS, Stage, client_of

from adw.api import body_limit


async def test_a_body_that_does_not_come_is_not_waited_for(shared: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body_limit, "BODY_S", 0.05)
    never = asyncio.Event()

    async def stalled():
        yield b"{"
        await never.wait()

    headers = {"Content-Type": "application/json"}
    for more in ({}, {"Idempotency-Key": "slow"}):
        answer = await shared.http.post(WORKFLOWS, content=stalled(), headers=headers | more)
        problem_of(answer, status=408, code="body_too_slow")


async def test_two_tokens_are_none(shared: Stage):
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    async with client_of(shared.app) as client:
        del client.headers["Authorization"]
        problem_of(await client.get("/api/workers", headers=headers), status=401, code="unauthenticated")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /api/projects/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/projects HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
)
async def test_what_is_no_http_is_a_problem_too(shared: Stage, sent: bytes):
    async with served(shared) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(sent)
        async with asyncio.timeout(10):
            head, _, content = (await reader.readuntil(b"}")).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(content)["code"] == "bad_request"


@pytest.mark.parametrize(("query", "name"), [("limit=1&limit=2", "query.limit"), ("statu=active", "query.statu")])
async def test_parameters_are_known_and_given_once(shared: Stage, query: str, name: str):
    answer = await shared.http.get(f"{WORKFLOWS}?{query}")
    problem = problem_of(answer, status=422, code="usage")
    assert [each["location"] for each in problem["errors"]] == [name]


async def test_several_of_what_may_be_several_are_taken(shared: Stage):
    assert (await shared.http.get(f"{WORKFLOWS}?status=active&status=queued,failed")).status_code == 200


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/tokens", "GET, POST"), (f"{WORKFLOWS}/patch", "POST"), (f"{WORKFLOWS}/abcd1234", "DELETE, GET")],
)
async def test_all_methods_of_an_address_are_named(shared: Stage, path: str, methods: str):
    answer = await shared.http.request("OPTIONS", path)
    problem_of(answer, status=405, code="method_not_allowed")
    assert answer.headers["allow"] == methods
