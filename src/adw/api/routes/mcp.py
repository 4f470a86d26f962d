"""The tools by the Model Context Protocol over HTTP. Each request stands for itself: there are no sessions to lose.

What it is spoken in is not ours to describe, so it is not part of `/openapi.json`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from adw.api.inputs import Caller as Whoever
from adw.api.inputs import Services
from adw.api.routes.orchestrator import doors_of, orchestrator_of
from adw.chat.tools import Caller, Doors, find_tool, record_call, tools_for
from adw.domain.access import AccessScope, Principal

if TYPE_CHECKING:
    from adw.chat.mcp import Offer

router = APIRouter(include_in_schema=False)


@router.post("/mcp")
async def speak_mcp(services: Services, request: Request, whoever: Whoever) -> Response:
    """One message and its answer. A token of scope `read` sees the tools that change nothing."""
    peer = None if request.client is None else request.client.host
    mine = await orchestrator_of(services, request, None)
    tools = _Tools(doors_of(services), whoever, peer=peer, orchestrator_id=mine)
    body = await request.body()  # here, where one that is too large is refused as everywhere
    # The protocol's library takes most of a second to load, which streams to others must not wait for.
    return await asyncio.to_thread(_exchange, tools, body)


class _Tools:
    """What one principal may call, done and recorded in their name."""

    def __init__(self, doors: Doors, whoever: Principal, *, peer: str | None, orchestrator_id: UUID) -> None:
        self._doors = doors
        self._whoever = whoever
        self._peer = peer
        actor = f"mcp:{whoever.name}"[:100]
        self._caller = Caller(actor=actor, source="mcp", orchestrator_id=orchestrator_id)

    async def offered(self) -> Sequence[Offer]:
        from adw.chat.mcp import Offer

        read_only = not self._whoever.scope.covers(AccessScope.OPERATE)
        return [
            Offer(name=each.name, about=each.about, schema=each.schema, changes_something=each.scope != "read")
            for each in tools_for(read_only=read_only)
        ]

    async def carry_out(self, offer: Offer, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        tool = find_tool(offer.name)
        answer = await tool.call(self._doors, self._caller, arguments)
        who = self._whoever
        await record_call(self._doors, tool, arguments, answer, who=who.name, principal=who, peer=self._peer)
        return answer.text, answer.is_error


class _Exchange(Response):
    """An answer that the protocol's own transport gives, to a request whose body has been read."""

    def __init__(self, answer: Callable[[Scope, Receive, Send], Awaitable[None]], *, asked: bytes) -> None:
        super().__init__()
        self._answer = answer
        self._asked: bytes | None = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def replayed() -> Message:
            if self._asked is None:
                return await receive()
            asked, self._asked = self._asked, None
            return {"type": "http.request", "body": asked, "more_body": False}

        await self._answer(scope, replayed, send)


def _exchange(tools: _Tools, asked: bytes) -> _Exchange:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from adw.chat.mcp import mcp_server

    server = mcp_server(tools.offered, tools.carry_out)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        transport = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with transport.run():
            await transport.handle_request(scope, receive, send)

    return _Exchange(answer, asked=asked)
