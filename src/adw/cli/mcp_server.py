"""A server of the Model Context Protocol that passes calls on to the running server, under the caller's own token."""

from __future__ import annotations

from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

import adw
from adw.client import AsyncAdwClient
from adw.client.types import ToolDict
from adw.kit.errors import AdwError

_ABOUT = (
    "Runs that turn issues into tested pull requests: start them, look at them, steer them. A run goes on by itself "
    "once it is started; ask `get_workflow` how it stands."
)


async def serve_mcp(url: str, token: str, *, actor: str, read_only: bool) -> None:
    """Until standard input closes."""
    async with AsyncAdwClient(url, token, actor=actor) as client, stdio_server() as (incoming, outgoing):
        server = build_mcp_server(client, read_only=read_only)
        await server.run(incoming, outgoing, server.create_initialization_options())


def build_mcp_server(client: AsyncAdwClient, *, read_only: bool) -> Server[Any]:
    """Offers the tools of the server, or those of them that change nothing; the others are then refused as well."""
    bridge = _Bridge(client, read_only=read_only)
    return Server(
        "adw",
        version=adw.__version__,
        instructions=_ABOUT,
        on_list_tools=bridge.list_tools,
        on_call_tool=bridge.call_tool,
    )


class _Bridge:
    """Asks the server which tools there are, once, and passes calls on."""

    def __init__(self, client: AsyncAdwClient, *, read_only: bool) -> None:
        self._client = client
        self._read_only = read_only
        self._tools: dict[str, ToolDict] | None = None

    async def list_tools(self, _context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in (await self._offered()).values()])

    async def call_tool(self, _context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            tool = (await self._offered()).get(params.name)
            if tool is None:
                return _answered(f"there is no tool {params.name} here", is_error=True)
            use = self._client.look if tool["scope"] == "read" else self._client.use_tool
            answer = await use(params.name, params.arguments or {})
        except AdwError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return _answered(f"{error.message}{hint}", is_error=True)
        return _answered(answer["text"], is_error=answer["isError"])

    async def _offered(self) -> dict[str, ToolDict]:
        if self._tools is None:
            found = (await self._client.tools())["tools"]
            self._tools = {each["name"]: each for each in found if each["scope"] == "read" or not self._read_only}
        return self._tools


def _described(tool: ToolDict) -> types.Tool:
    return types.Tool.model_validate(
        {
            "name": tool["name"],
            "description": tool["description"],
            "inputSchema": tool["inputSchema"],
            "annotations": {"readOnlyHint": tool["scope"] == "read"},
        }
    )


def _answered(text: str, *, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult.model_validate({"content": [{"type": "text", "text": text}], "isError": is_error})
