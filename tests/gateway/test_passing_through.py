from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from adw.gateway import Credential, Upstream


async def test_a_streamed_answer_arrives_byte_for_byte(rig, model_api, sse):
    answer = await rig.ask()

    assert answer.status_code == 200
    assert answer.content == b"".join(sse.answer())
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["request-id"] == "req_1"


async def test_each_piece_of_a_stream_is_passed_on_at_once(rig, model_api, sse):
    gate = asyncio.Event()
    model_api.streams(sse.answer(), gate=gate)

    async with rig.client.stream("POST", "/v1/messages", headers=rig.headers, json=rig.question()) as answer:
        pieces = answer.aiter_raw()
        first = await anext(pieces)
        assert first == sse.start()
        gate.set()
        rest = b"".join([piece async for piece in pieces])

    assert first + rest == b"".join(sse.answer())


async def test_an_answer_in_one_piece_arrives_byte_for_byte(rig, model_api):
    body = b'{ "usage" : {"input_tokens":10,"output_tokens":5},\n "content": [] }'
    model_api.replies(body)

    answer = await rig.ask(stream=False)

    assert answer.content == body
    assert answer.headers["content-length"] == str(len(body))
    [row] = await rig.settled()
    assert (row.input_tokens, row.output_tokens, row.inexact, row.stream) == (10, 5, False, False)


async def test_the_request_arrives_byte_for_byte_with_its_headers_and_query(rig, model_api):
    body = b'{"model": "claude-sonnet-4-6",  "max_tokens":7, "messages":[], "x": "\\ud83d"}'
    headers = rig.headers | {"anthropic-beta": "one,two", "x-claude-code-session-id": "s", "user-agent": "cli"}

    await rig.client.post("/v1/messages?beta=true&a=%2F", headers=headers, content=body)

    [seen] = model_api.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/v1/messages?beta=true&a=%2F", body)
    assert seen.values("anthropic-beta") == ["one,two"]
    assert seen.values("anthropic-version") == ["2023-06-01"]
    assert seen.values("x-claude-code-session-id") == ["s"]
    assert seen.values("user-agent") == ["cli"]
    assert seen.values("accept-encoding") == ["identity"]
    assert seen.values("content-length") == [str(len(body))]


async def test_the_real_key_replaces_whatever_the_agent_sends(rig, model_api):
    headers = rig.headers | {"authorization": "Bearer agent-secret", "cookie": "c=1", "proxy-authorization": "p"}
    headers |= {"connection": "keep-alive, x-hop", "x-hop": "1"}

    answer = await rig.client.post("/v1/messages", headers=headers, json=rig.question())

    [seen] = model_api.seen
    assert seen.values("x-api-key") == [rig.key]
    for name in ("authorization", "cookie", "proxy-authorization", "x-hop", "connection"):
        assert seen.values(name) == []
    sent = repr(seen.headers) + seen.body.decode()
    assert rig.token not in sent
    assert "agent-secret" not in sent
    assert rig.key not in repr(answer.headers) + answer.text


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_the_run_token_is_taken_from_either_header(rig, model_api, header):
    value = rig.token if header == "x-api-key" else f"Bearer {rig.token}"

    answer = await rig.client.post("/v1/messages", headers={header: value}, json=rig.question())

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (Credential(kind="api_key", value="k"), {"x-api-key": ["k"], "authorization": [], "anthropic-beta": ["mine"]}),
        (Credential(kind="bearer", value="t"), {"x-api-key": [], "authorization": ["Bearer t"]}),
        (
            Credential(kind="oauth", value="o"),
            {"x-api-key": [], "authorization": ["Bearer o"], "anthropic-beta": ["mine,oauth-2025-04-20"]},
        ),
        (None, {"x-api-key": [], "authorization": []}),
    ],
)
async def test_each_kind_of_credential_is_presented_in_its_own_way(rig_of, model_api, credential, expected):
    upstream = Upstream(base_url=f"{model_api.url}/prefix/", credential=credential)
    async with rig_of(upstream=upstream) as rig:
        headers = rig.headers | {"anthropic-beta": "mine"}
        await rig.client.post("/v1/messages", headers=headers, json=rig.question())

    [seen] = model_api.seen
    assert seen.target == "/prefix/v1/messages"
    assert {name: seen.values(name) for name in expected} == expected


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_an_unknown_token_is_refused_without_asking_anybody(rig, model_api, token):
    answer = await rig.client.post("/v1/messages", headers={"x-api-key": token}, json=rig.question())

    assert answer.status_code == 401
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "authentication_error"
    assert model_api.seen == []


async def test_a_revoked_token_opens_nothing_and_a_new_admission_does(rig):
    rig.gateway.revoke(rig.token)
    assert (await rig.ask()).status_code == 401

    rig.token = rig.gateway.admit(rig.grant())
    assert (await rig.ask()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/messages/count_tokens?beta=true"), ("GET", "/v1/models?limit=5"), ("GET", "/v1/models/claude-a.b")],
)
async def test_counting_and_listing_pass_through_without_being_booked(rig, model_api, method, path):
    model_api.replies(b'{"input_tokens": 3}')
    await rig.budget("0")

    answer = await rig.client.request(method, path, headers=rig.headers)

    assert answer.json() == {"input_tokens": 3}
    assert [(seen.method, seen.target) for seen in model_api.seen] == [(method, path)]
    assert await rig.rows() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/"),
        ("POST", "/v1/models"),
        ("GET", "/v1/models/../files"),
        ("GET", "/v1/models/a/b"),
        ("GET", "/v1/models/.%2e"),
        ("GET", "/v1/models/%C3%A4"),
        ("GET", "/v1/models/a%0d%0ab"),
        ("GET", "/v1/organizations"),
    ],
)
async def test_everything_else_is_not_found(rig, model_api, method, path):
    answer = await rig.client.request(method, path, headers=rig.headers)

    assert answer.status_code == 404
    assert model_api.seen == []


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
async def test_refusals_of_the_model_api_pass_with_their_headers_and_cost_nothing(rig, model_api, status):
    await rig.budget("1")
    limits = {"retry_after": "0", "anthropic_ratelimit_requests_remaining": "0", "set_cookie": "a=b"}
    model_api.replies(b'{"type":"error","error":{"type":"x","message":"y"}}', status=status, **limits)

    answer = await rig.ask()

    assert answer.status_code == status
    assert answer.json()["error"]["message"] == "y"
    assert answer.headers["retry-after"] == "0"
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert "set-cookie" not in answer.headers
    rows = await rig.settled(5 if status == 429 else 1)
    assert {(row.state, row.status, row.cost_usd) for row in rows} == {("failed", status, 0)}
    assert (await rig.account()).held_usd == 0
    assert rig.gateway.verdict("run-1").last_status == status


async def test_an_unreachable_model_api_is_a_retryable_error_that_costs_nothing(rig_of):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with rig_of(upstream=Upstream(base_url=nobody)) as rig:
        answer = await rig.ask()
        [row] = await rig.settled()

    assert answer.status_code == 502
    assert answer.json()["error"]["type"] == "api_error"
    assert (row.state, row.status, row.cost_usd, row.inexact) == ("failed", None, 0, False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"max_tokens": 5}',
        b'{"model": "m"}',
        b'{"model": "m", "max_tokens": true}',
        b'{"model": "m", "max_tokens": 0}',
        b'{"model": 5, "max_tokens": 5}',
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_request_is_refused_here(rig, model_api, body):
    answer = await rig.client.post("/v1/messages", headers=rig.headers, content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert model_api.seen == []
    assert await rig.rows() == []


async def test_an_answer_that_breaks_off_is_not_passed_on_as_complete(rig, model_api, sse):
    model_api.streams([sse.start(), sse.text("x" * 250)], cut=True)

    with pytest.raises(httpx.RemoteProtocolError):
        await rig.ask()

    [row] = await rig.settled()
    assert (row.input_tokens, row.output_tokens, row.inexact, row.state) == (1000, 100, True, "settled")


async def test_a_client_that_goes_away_ends_the_request_to_the_model_api(rig, model_api, sse):
    model_api.streams([sse.start(), sse.text("y" * 25)], stall=True)

    async with rig.client.stream("POST", "/v1/messages", headers=rig.headers, json=rig.question()) as answer:
        async for piece in answer.aiter_raw():
            if b"yyy" in piece:
                break

    async with asyncio.timeout(10):
        await model_api.seen[0].disconnected.wait()
    [row] = await rig.settled()
    assert (row.input_tokens, row.output_tokens, row.inexact) == (1000, 10, True)
    assert (await rig.account()).held_usd == 0


async def test_a_client_that_goes_away_before_the_answer_ends_the_request_too(rig, model_api, sse):
    waiting = asyncio.Event()

    async def silent(_seen, _writer):
        waiting.set()
        await asyncio.Event().wait()

    model_api.answer = silent
    asking = asyncio.create_task(rig.ask())
    await waiting.wait()
    asking.cancel()

    async with asyncio.timeout(10):
        await model_api.seen[0].disconnected.wait()
    [row] = await rig.settled()
    assert (row.state, row.inexact, row.status) == ("settled", True, None)


async def test_revoking_a_token_breaks_off_its_running_requests(rig, model_api, sse):
    model_api.streams([sse.start()], stall=True)

    async with rig.client.stream("POST", "/v1/messages", headers=rig.headers, json=rig.question()) as answer:
        pieces = answer.aiter_raw()
        await anext(pieces)
        rig.gateway.revoke(rig.token)
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)

    async with asyncio.timeout(10):
        await model_api.seen[0].disconnected.wait()


async def test_leaving_the_gateway_ends_and_settles_what_is_running(rig_of, model_api, sse):
    model_api.streams([sse.start()], stall=True)
    async with rig_of() as rig:
        request = rig.client.build_request("POST", "/v1/messages", headers=rig.headers, json=rig.question())
        answer = await rig.client.send(request, stream=True)
        await anext(answer.aiter_raw())

    [row] = await rig.rows()
    assert (row.state, row.inexact, row.input_tokens) == ("settled", True, 1000)
    with pytest.raises(httpx.HTTPError):
        await httpx.AsyncClient(trust_env=False).get(f"{rig.client.base_url}/v1/models")
