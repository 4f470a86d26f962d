"""A server of the Model Context Protocol that passes calls on to the running server, under the caller's own token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from adw.chat.mcp import Offer, mcp_server
from adw.client import AsyncAdwClient


async def serve_mcp(url: str, token: str, *, actor: str, read_only: bool) -> None:
    """Until standard input closes."""
    async with AsyncAdwClient(url, token, actor=actor) as client, stdio_server() as (incoming, outgoing):
        server = build_mcp_server(client, read_only=read_only)
        await server.run(incoming, outgoing, server.create_initialization_options())


def build_mcp_server(client: AsyncAdwClient, *, read_only: bool) -> Server[Any]:
    """Offers the tools of the server, or those of them that change nothing; the others are then refused as well."""
    known: list[Offer] = []

    async def offered() -> Sequence[Offer]:
        """Asked once: they stay the same for as long as the server runs."""
        if not known:
            found = [
                Offer(
                    name=each["name"],
                    about=each["description"],
                    schema=each["inputSchema"],
                    changes_something=each["scope"] != "read",
                )
                for each in (await client.tools())["tools"]
            ]
            known[:] = [each for each in found if not (read_only and each.changes_something)]
        return known

    async def carry_out(offer: Offer, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        use = client.use_tool if offer.changes_something else client.look
        answer = await use(offer.name, dict(arguments))
        return answer["text"], answer["isError"]

    return mcp_server(offered, carry_out)
