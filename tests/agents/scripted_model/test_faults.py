from __future__ import annotations

import asyncio

import httpx
import pytest

SAID = {"blocks": [{"text": "A sentence that goes on for a while. " * 20}]}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_a_status_is_answered_in_the_shape_of_the_api(*, body, scenario, served, status, kind, stream):
    async with served(scenario({"reply": {"fault": status, "retry_after_s": 7, "message": "Not now."}})) as (
        server,
        client,
    ):
        response = await client.post("/v1/messages", json=body(stream=stream))
    assert (response.status_code, response.headers["retry-after"]) == (status, "7")
    assert response.json() == {"type": "error", "error": {"type": kind, "message": "Not now."}}
    assert (server.journal.entries[0].status, server.journal.totals.input_tokens) == (status, 0)


async def read_until_broken(client: httpx.AsyncClient, data: dict, *, patience_s: float = 10) -> tuple[bytes, str]:
    """What came before the connection broke, and how it broke."""
    received, place = b"", ""
    try:
        async with client.stream("POST", "/v1/messages", json=data, timeout=patience_s) as response:
            place = " after headers"
            async for chunk in response.aiter_raw():
                received += chunk
    except httpx.HTTPError as error:
        return received, type(error).__name__ + place
    return received, "ended well"


@pytest.mark.parametrize(
    ("fault", "broken"), [("drop", "ReadError after headers"), ("cut", "RemoteProtocolError after headers")]
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_broken_connection_comes_after_a_part_of_the_answer(*, body, scenario, served, fault, broken, stream):
    async with served(scenario({"reply": SAID | {"fault": fault}})) as (server, client):
        received, how = await read_until_broken(client, body(stream=stream))
        health = await client.get("/health")
    assert how == broken
    assert b"A sentence" in received
    assert b"message_stop" not in received
    assert health.status_code == 200
    entry = server.journal.entries[0]
    assert (entry.fault, entry.output_tokens) == (fault, 1 if stream else 0)


async def test_an_error_event_ends_a_stream_and_is_a_500_without_one(body, scenario, served, events_in):
    async with served(scenario({"reply": SAID | {"fault": "error_event"}})) as (_, client):
        events = events_in((await client.post("/v1/messages", json=body())).content)
        whole = await client.post("/v1/messages", json=body(stream=False))
    assert events[0]["type"] == "message_start"
    assert events[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert whole.status_code == 500


@pytest.mark.parametrize("stream", [True, False])
async def test_nonsense_is_a_200_that_cannot_be_parsed(body, scenario, served, events_in, stream):
    async with served(scenario({"reply": {"fault": "nonsense"}})) as (_, client):
        response = await client.post("/v1/messages", json=body(stream=stream))
    assert response.status_code == 200
    with pytest.raises(ValueError, match="Expecting"):
        events_in(response.content) if stream else response.json()


@pytest.mark.parametrize(
    ("fault", "stop_reason", "text"),
    [("empty", "end_turn", None), ("refusal", "refusal", None), ("truncate", "max_tokens", "A sentence")],
)
async def test_answers_that_say_too_little(*, body, scenario, served, fault, stop_reason, text):
    async with served(scenario({"reply": SAID | {"fault": fault}})) as (_, client):
        answer = (await client.post("/v1/messages", json=body(stream=False))).json()
        streamed = await client.post("/v1/messages", json=body())
    assert answer["stop_reason"] == stop_reason
    assert f'"stop_reason":"{stop_reason}"' in streamed.text
    assert (not answer["content"]) if text is None else answer["content"][0]["text"].startswith(text)
    assert text is None or len(answer["content"][0]["text"]) < len(SAID["blocks"][0]["text"])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fault", "headers_come", "content_comes"),
    [("silence", False, False), ("stall", True, False), ("hang", True, True)],
)
async def test_silence_lasts_until_the_caller_gives_up(
    *, body, scenario, served, fault, headers_come, content_comes, stream
):
    async with served(scenario({"reply": SAID | {"fault": fault}})) as (server, client):
        received, how = await read_until_broken(client, body(stream=stream), patience_s=0.2)
        status = server.journal.entries[0].status
    assert how == ("ReadTimeout after headers" if headers_come else "ReadTimeout")
    assert bool(received) == content_comes
    assert status == (0 if fault == "silence" else 200)


@pytest.mark.parametrize("withheld", [{"fault": "silence"}, SAID | {"delay_ms": 60_000}, SAID | {"turn_ms": 60_000}])
async def test_the_server_ends_at_once_although_an_answer_is_withheld(body, scenario, served, withheld):
    async with asyncio.timeout(5):
        async with served(scenario({"reply": withheld})) as (server, client):
            asking = asyncio.create_task(client.post("/v1/messages", json=body()))
            while not server.journal.entries:  # noqa: ASYNC110 - the journal is a plain book without events
                await asyncio.sleep(0.005)
        with pytest.raises(httpx.HTTPError):
            await asking


async def test_a_fault_may_strike_only_the_first_time_a_request_comes(body, scenario, served):
    rules = scenario({"when": {"seen": "..1"}, "reply": {"fault": 529}}, {"reply": SAID})
    other = {"role": "user", "content": "something else"}
    async with served(rules) as (_, client):
        same = [(await client.post("/v1/messages", json=body(stream=n % 2 == 0))).status_code for n in range(4)]
        first_of_another = (await client.post("/v1/messages", json=body(other))).status_code
    assert (same, first_of_another) == ([529, 529, 200, 200], 529)
