"""The tools over HTTP, called by the official client of the protocol, with tokens that may look or act."""

from __future__ import annotations

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.api.problem import problem_of
from tests.api.stage import TOKEN, Stage
from tests.client.conftest import Live, live

from adw.store.audit import list_deeds

__all__ = ["live"]

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
TAKES = {"Accept": "application/json, text/event-stream"}


@pytest.mark.parametrize(("scope", "mode"), [("read", "legacy"), ("operate", "auto")])
async def test_an_agent_of_others_sees_and_does_what_its_token_may(live: Live, scope: str, mode: str):
    stage = live.stage
    adw_id = (await stage.work()).adw_id
    token = (await stage.http.post("/api/tokens", json={"name": "editor", "scope": scope})).json()
    headers = {"Authorization": f"Bearer {token['secret']}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        transport = streamable_http_client(f"{live.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
            shown = await client.call_tool("get_workflow", {"adw_id": adw_id[:6]})
            paused = await client.call_tool("pause", {"adw_id": adw_id})
            refused = await client.call_tool("retry", {"adw_id": adw_id})
            nonsense = await client.call_tool("get_events", {"adw_id": 1})
    assert "status: queued" in shown.content[0].text
    assert nonsense.is_error
    assert refused.is_error
    async with stage.database.read() as connection:
        deeds = await list_deeds(connection, who="editor")
    found = [(deed.method, deed.route, deed.target, deed.status, deed.token_id) for deed in reversed(deeds)]
    if scope == "read":
        assert {"get_diff", "list_workflows"} <= offered
        assert not {"pause", "start_workflow"} & offered
        assert paused.is_error
        assert (await stage.row(adw_id)).status == "queued"
        assert found == []
    else:
        assert {"get_diff", "pause", "start_workflow"} <= offered
        assert not paused.is_error
        assert (await stage.row(adw_id)).status == "paused"
        known = token["token"]["id"]
        assert found == [("TOOL", "pause", adw_id, 200, known), ("TOOL", "retry", adw_id, 409, known)]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer wrong"}, 401, "unauthenticated"),
        ({"Origin": "https://evil.example"}, 403, "foreign_origin"),
        ({"Host": "evil.example"}, 403, "wrong_host"),
    ],
)
async def test_whoever_may_not_speak_to_the_server_may_not_here(shared: Stage, headers, status, code):
    answer = await shared.http.post("/mcp", json=LIST, headers=TAKES | headers)
    problem_of(answer, status=status, code=code)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", TAKES, 400),
        (b"[]", TAKES, 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}', {"Accept": "text/html"}, 406),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', TAKES, 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', TAKES, 200),
        (b" " * 1_100_000, TAKES, 413),
    ],
)
async def test_nonsense_is_refused_and_nothing_breaks(shared: Stage, content, headers, status):
    known = {"Content-Type": "application/json"} | headers
    answer = await shared.http.post("/mcp", content=content, headers=known)
    assert answer.status_code == status, answer.text
    assert status != 200 or "error" in answer.json()


async def test_a_body_that_grows_too_large_on_its_way_is_refused(shared: Stage):
    async def endless():
        for _ in range(20):
            yield b" " * 100_000

    answer = await shared.http.post("/mcp", content=endless(), headers=TAKES | {"Content-Type": "application/json"})
    assert answer.status_code == 413


async def test_there_is_no_stream_to_listen_to_and_no_session_to_end(shared: Stage):
    for method in ("GET", "DELETE"):
        answer = await shared.http.request(method, "/mcp", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 405
