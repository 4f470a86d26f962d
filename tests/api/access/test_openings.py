"""What is open for somebody ends the moment they may not have it any more."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from tests.api.access.test_tokens import given, with_token
from tests.api.sockets import served, socket_on
from tests.api.stage import TOKEN, Stage

from adw.api.access.openings import Openings
from adw.control.access import Access
from adw.domain.access import AccessScope, Principal
from adw.store.db import Database

SOON_S = 5.0
"""Far less than it takes until the next ping."""


async def test_a_socket_ends_when_its_token_is_revoked_on_another_server(stage: Stage):
    mine, other = await given(stage, "read"), await given(stage, "read")
    elsewhere = Database(stage.database.url)
    async with (
        served(stage) as address,
        socket_on(address, token=mine["secret"]) as client,
        socket_on(address, token=other["secret"]) as neighbour,
        socket_on(address, token=TOKEN) as own,
    ):
        for each in (client, neighbour, own):
            assert (await each.hear())["type"] == "connection_established"
        await asyncio.gather(*(each.say("ping") for each in (client, neighbour, own)))
        for each in (client, neighbour, own):
            assert (await each.hear())["type"] == "pong"
        await Access(database=elsewhere).revoke_token(mine["token"]["id"])
        async with asyncio.timeout(SOON_S):
            assert (await client.closed())[0] == 4401
        for each in (neighbour, own):
            await each.say("ping")
            assert (await each.hear())["type"] == "pong"
    await elsewhere.close()


async def test_streams_end_too(stage: Stage):
    mine = await given(stage, "read")
    adw_id = (await stage.work()).adw_id
    headers = {"Authorization": f"Bearer {mine['secret']}", "Accept": "text/event-stream"}
    async with served(stage) as address, httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as http:
        ends = [asyncio.Event(), asyncio.Event()]
        paths = ("/api/events/stream", f"/api/adw/workflows/{adw_id}/events/stream")
        begun = [asyncio.create_task(_read_all(http, path, end)) for path, end in zip(paths, ends, strict=True)]
        await asyncio.gather(*(end.wait() for end in ends))
        await stage.http.delete(f"/api/tokens/{mine['token']['id']}")
        async with asyncio.timeout(SOON_S):
            await asyncio.gather(*begun)


async def test_what_was_withdrawn_before_anybody_listened_is_found_out(stage: Stage):
    made = await given(stage, "read")
    async with with_token(stage, made["secret"]) as client:
        assert (await client.get("/api/session")).status_code == 200
    principal = Principal(name="ci", scope=AccessScope.READ, token_id=made["token"]["id"])
    await stage.http.delete(f"/api/tokens/{made['token']['id']}")
    over = asyncio.Event()
    openings: Openings = stage.app.state.openings
    async with openings.opened(principal, wake=over.set) as opening:
        async with asyncio.timeout(SOON_S):
            await over.wait()
        assert opening.is_withdrawn


async def test_a_session_that_ends_takes_its_sockets_along(stage: Stage):
    over, else_ = asyncio.Event(), asyncio.Event()
    openings: Openings = stage.app.state.openings
    session_id = await _session(stage)
    browser = Principal(name="ann", scope=AccessScope.READ, session_id=session_id)
    server = Principal(name="server", scope=AccessScope.ADMIN)
    async with openings.opened(browser, wake=over.set), openings.opened(server, wake=else_.set):
        await Access(database=stage.database).log_out(session_id)
        async with asyncio.timeout(SOON_S):
            await over.wait()
        assert not else_.is_set()
        stage.app.state.stopping.set()
        async with asyncio.timeout(SOON_S):
            await else_.wait()
    assert not openings._tasks, "nobody listens when nothing is open"


async def _session(stage: Stage) -> str:
    access = Access(database=stage.database)
    link = await access.make_link(Principal(name="server", scope=AccessScope.READ), name="ann")
    entered = await access.log_in(link.code)
    assert entered.session.principal.session_id is not None
    return entered.session.principal.session_id


async def _read_all(http: httpx.AsyncClient, path: str, begun: asyncio.Event) -> list[Any]:
    async with http.stream("GET", path) as answer:
        lines: list[Any] = []
        async for line in answer.aiter_lines():
            begun.set()
            lines.append(line)
        return lines
