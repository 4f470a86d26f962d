from __future__ import annotations

import asyncio

import orjson
import pytest

MIXED = {
    "reply": {
        "blocks": [
            {"thinking": "Think it through. " * 8},
            {"text": "Läuft. " * 20},
            {"tool": {"name": "Write", "input": {"file_path": "${cwd}/a", "content": "x" * 200}}},
            {"structured": {"summary": "ok", "count": 3}},
        ]
    }
}


async def test_a_streaming_answer_has_the_events_of_the_api(body, scenario, served, events_in):
    async with served(scenario(MIXED)) as (_, client):
        response = await client.post("/v1/messages?beta=true", json=body())
    events = events_in(response.content)
    assert response.headers["content-type"] == "text/event-stream"
    assert [e["type"] for e in events[:3]] == ["message_start", "ping", "content_block_start"]
    assert [e["type"] for e in events[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
    message = events[0]["message"]
    assert (message["model"], message["content"], message["role"]) == ("claude-test", [], "assistant")
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    opened = [e["content_block"]["type"] for e in events if e["type"] == "content_block_start"]
    assert opened == ["thinking", "text", "tool_use", "tool_use"]


async def test_the_streamed_pieces_add_up_to_the_whole_answer(body, scenario, served, events_in):
    async with served(scenario(MIXED)) as (_, client):
        events = events_in((await client.post("/v1/messages", json=body())).content)
        whole = (await client.post("/v1/messages", json=body(stream=False))).json()
    deltas = [(e["index"], e["delta"]) for e in events if e["type"] == "content_block_delta"]

    def joined(index: int, key: str) -> str:
        return "".join(delta[key] for at, delta in deltas if at == index and key in delta)

    thinking, text, write, structured = whole["content"]
    assert joined(0, "thinking") == thinking["thinking"]
    assert joined(0, "signature")
    assert joined(1, "text") == text["text"]
    assert orjson.loads(joined(2, "partial_json")) == write["input"]
    assert orjson.loads(joined(3, "partial_json")) == structured["input"] == {"summary": "ok", "count": 3}
    assert write["input"]["file_path"] == "/trees/one/a"
    assert structured["name"] == "StructuredOutput"
    assert len({block["id"] for block in (write, structured)}) == 2
    assert events[-2]["usage"] == whole["usage"]


async def test_the_journal_keeps_the_books(body, scenario, served):
    async with served(scenario(MIXED)) as (server, client):
        headers = {"x-claude-code-session-id": "s1", "x-adw-run": "r1", "x-api-key": "secret"}
        answers = [await client.post("/v1/messages", json=body(stream=False), headers=headers) for _ in range(2)]
        booked = (await client.get("/requests")).json()
    used = [answer.json()["usage"] for answer in answers]
    assert booked["totals"] == {
        "requests": 2,
        "answered": 2,
        "input_tokens": sum(u["input_tokens"] for u in used),
        "output_tokens": sum(u["output_tokens"] for u in used),
    }
    entry = booked["requests"][1]
    assert (entry["rule"], entry["role"], entry["phase"], entry["stream"]) == ("rule 0", "planner", "plan", False)
    assert (entry["status"], entry["seen"], entry["step"], entry["turn"]) == (200, 1, 0, 1)
    assert entry["headers"]["x-claude-code-session-id"] == "s1"
    assert "secret" not in str(booked)
    assert server.journal.rules() == ["rule 0", "rule 0"]


async def test_usage_stop_reason_and_headers_can_be_given(body, scenario, served):
    reply = {
        "blocks": [{"text": "x"}],
        "usage": {"input_tokens": 7, "output_tokens": 9, "cache_read_input_tokens": 5},
        "stop_reason": "stop_sequence",
        "headers": {"anthropic-ratelimit-unified-status": "allowed_warning"},
    }
    async with served(scenario({"reply": reply})) as (server, client):
        response = await client.post("/v1/messages", json=body(stream=False))
    answer = response.json()
    assert answer["usage"] == {
        "input_tokens": 7,
        "output_tokens": 9,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 5,
    }
    assert answer["stop_reason"] == "stop_sequence"
    assert response.headers["anthropic-ratelimit-unified-status"] == "allowed_warning"
    assert (server.journal.totals.input_tokens, server.journal.totals.output_tokens) == (7, 9)


async def test_tokens_are_counted_as_they_would_be_charged(body, scenario, served):
    async with served(scenario()) as (server, client):
        counted = await client.post("/v1/messages/count_tokens?beta=true", json=body())
        charged = await client.post("/v1/messages", json=body(stream=False))
    assert counted.json() == {"input_tokens": charged.json()["usage"]["input_tokens"]}
    assert server.journal.totals.input_tokens == counted.json()["input_tokens"]


async def test_delays_come_before_the_first_byte_and_before_the_content(body, scenario, served):
    reply = {"blocks": [{"text": "x"}], "delay_ms": 30, "turn_ms": 40}
    async with served(scenario({"reply": reply})) as (_, client):
        start = asyncio.get_running_loop().time()
        async with client.stream("POST", "/v1/messages", json=body()) as response:
            first = asyncio.get_running_loop().time() - start
            await response.aread()
        total = asyncio.get_running_loop().time() - start
    assert first >= 0.03
    assert total >= 0.07


async def test_health_tells_the_scenario(scenario, served):
    async with served(scenario(name="mine")) as (_, client):
        health = (await client.get("/health")).json()
    assert health == {"status": "ok", "service": "scripted-model", "scenario": "mine"}


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("POST", "/"), ("GET", "/v1/models")])
async def test_other_paths_are_not_found(scenario, served, method, path):
    async with served(scenario()) as (_, client):
        response = await client.request(method, path)
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_body_that_is_no_request_is_a_400(scenario, served, path):
    async with served(scenario()) as (server, client):
        response = await client.post(path, content=b"nope")
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert [entry.status for entry in server.journal.entries] == [400]


async def test_a_value_the_request_does_not_tell_is_a_400_that_says_so(body, scenario, served):
    rules = scenario({"reply": {"blocks": [{"text": "${cwd}"}]}})
    async with served(rules) as (_, client):
        response = await client.post("/v1/messages", json=body({"role": "user", "content": "go"}))
    assert response.status_code == 400
    assert "${cwd}" in response.json()["error"]["message"]


async def test_many_conversations_at_once_are_answered_each_by_itself(body, scenario, served):
    rules = scenario({"when": {"prompt": r"number (?P<n>\d+)"}, "reply": {"blocks": [{"text": "${n}"}]}})
    async with served(rules) as (_, client):

        async def ask(n: int) -> str:
            data = body({"role": "user", "content": f"number {n}"}, stream=False)
            return (await client.post("/v1/messages", json=data)).json()["content"][0]["text"]

        answers = await asyncio.gather(*(ask(n) for n in range(50)))
    assert answers == [str(n) for n in range(50)]
