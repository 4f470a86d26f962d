"""The parts that read requests and answers, without any network."""

from __future__ import annotations

import json

import orjson
import pytest

from adw.domain.usage import Tokens
from adw.gateway.asgi import BodyTooLargeError, Call, ClientGoneError
from adw.gateway.meter import Meter
from adw.gateway.model_request import parse_request


def meter(*pieces: bytes) -> Meter:
    found = Meter(content_type="text/event-stream", readable=True)
    for piece in pieces:
        found.feed(piece)
    found.end()
    return found


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_read_however_they_are_cut_up(sse, size):
    whole = b"".join(sse.answer()).replace(b"\n", b"\r\n")

    found = meter(*(whole[at : at + size] for at in range(0, len(whole), size)))

    reading = found.reading()
    assert (reading.tokens, reading.output_known, found.ended) == (Tokens(input=1000, output=200), True, True)


def test_later_totals_replace_earlier_ones(sse):
    found = meter(sse.start(cache_read_input_tokens=5), sse.end(input_tokens=1500, cache_read_input_tokens=0))

    assert found.reading().tokens == Tokens(input=1500, output=200, cache_read=5)


def test_thinking_tools_and_signatures_count_as_output_of_a_broken_stream(sse):
    deltas = [
        {"type": "thinking_delta", "thinking": "t" * 10},
        {"type": "signature_delta", "signature": "s" * 10},
        {"type": "input_json_delta", "partial_json": "j" * 10},
        {"type": "text_delta", "text": "ä" * 10},
    ]

    reading = meter(sse.start(), *(sse.event("content_block_delta", delta=delta) for delta in deltas)).reading()

    assert (reading.tokens.output, reading.output_known) == (20, False)


def test_a_broken_stream_counts_at_least_what_its_start_said(sse):
    assert meter(sse.start(output_tokens=9)).reading().tokens.output == 9


@pytest.mark.parametrize("junk", [b"data: nonsense\n", b"data: []\n", b"data:{}\n", b"\xff\xfe\n", b"data: 5\n", b"\n"])
def test_nonsense_in_a_stream_is_passed_over(sse, junk):
    assert meter(junk, sse.start(), junk, sse.end()).reading().tokens == Tokens(input=1000, output=200)


@pytest.mark.parametrize("usage", [None, 5, {"input_tokens": "many"}, {"input_tokens": None}, {"output_tokens": -1}])
def test_usage_of_another_shape_is_unknown(sse, usage):
    found = meter(sse.event("message_start", message={"usage": usage}), sse.event("message_stop"))

    assert not found.reading().prompt_known


def test_a_request_is_forwarded_as_it_is_unless_less_is_granted():
    body = b'{"model": "m", "max_tokens": 5000, "messages": [], "metadata": {"user_id": "u"}}'
    request = parse_request(body)

    assert request.body_with(5000) is body
    assert request.body_with(6000) is body
    assert json.loads(request.body_with(1200)) == json.loads(body) | {"max_tokens": 1200}


@pytest.mark.parametrize(
    ("granted", "thinking"),
    [
        (30_000, {"type": "enabled", "budget_tokens": 20_000}),
        (10_000, {"type": "enabled", "budget_tokens": 8976}),
        (1500, {"type": "enabled", "budget_tokens": 1024}),
        (1024, {"type": "disabled"}),
    ],
)
def test_a_thinking_budget_is_lowered_with_the_answer(granted, thinking):
    asked = {"type": "enabled", "budget_tokens": 20_000}
    body = orjson.dumps({"model": "m", "max_tokens": 32_000, "thinking": asked, "messages": []})

    assert json.loads(parse_request(body).body_with(granted))["thinking"] == thinking


def test_adaptive_thinking_needs_no_lowering():
    body = orjson.dumps({"model": "m", "max_tokens": 32_000, "thinking": {"type": "adaptive"}})

    assert json.loads(parse_request(body).body_with(2000))["thinking"] == {"type": "adaptive"}


def test_half_a_surrogate_pair_survives_lowering():
    body = b'{"model":"m","max_tokens":9000,"messages":[{"role":"user","content":"\\ud83d"}]}'

    assert b"\\ud83d" in parse_request(body).body_with(2000)


def test_images_count_as_images_and_not_as_their_text():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 1_000_000}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    messages = [{"role": "user", "content": [result, image]}, {"role": "user", "content": "hello"}]

    request = parse_request(orjson.dumps({"model": "m", "max_tokens": 5, "messages": messages}))

    assert 12_000 <= request.prompt_tokens < 12_500


def test_text_is_estimated_from_above():
    words = "The quick brown fox jumps over the lazy dog. " * 1000
    body = orjson.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": words}]})

    assert parse_request(body).prompt_tokens > 10_000


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (None, (False, False)),
        ({"type": "ephemeral"}, (True, False)),
        ({"type": "ephemeral", "ttl": "1h"}, (True, True)),
    ],
)
def test_writing_to_the_cache_is_noticed(control, expected):
    block = {"type": "text", "text": "x"} | ({"cache_control": control} if control else {})

    request = parse_request(orjson.dumps({"model": "m", "max_tokens": 5, "system": [block]}))

    assert (request.writes_cache, request.writes_hour_cache) == expected


def call(*messages: dict[str, object]) -> Call:
    waiting = list(messages)

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    async def send(_message: object) -> None:
        raise AssertionError("nothing is sent")

    return Call(method="POST", path="/", query=b"", headers=[], receive=receive, send=send, connection=None)


async def test_a_body_is_read_to_its_end_and_no_longer_than_allowed():
    parts = [{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.request", "body": b"de"}]

    assert await call(*parts).body(limit_bytes=5) == b"abcde"
    with pytest.raises(BodyTooLargeError):
        await call(*parts).body(limit_bytes=4)
    with pytest.raises(ClientGoneError):
        await call(parts[0], {"type": "http.disconnect"}).body(limit_bytes=5)
