"""Tools of ours inside the CLI: an MCP server within this process, whose tools carry the server's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool, create_sdk_mcp_server

from adw.domain.agent import OwnTool

SERVER = "adw"
_PREFIX = f"mcp__{SERVER}__"


def name_in_cli(tool: OwnTool) -> str:
    """What the agent calls it by."""
    return f"{_PREFIX}{tool.name}"


def plain_name(name: str) -> str:
    """The tool's own name, whatever the agent called it by."""
    return name.removeprefix(_PREFIX)


def serve_tools(tools: Sequence[OwnTool]) -> dict[str, McpSdkServerConfig]:
    """What the SDK is to serve; nothing when there are no tools."""
    if not tools:
        return {}
    return {SERVER: create_sdk_mcp_server(SERVER, tools=[_served(tool) for tool in tools])}


def _served(tool: OwnTool) -> SdkMcpTool[Any]:
    async def handle(given: dict[str, Any]) -> dict[str, Any]:
        text, is_error = await tool.call(given)
        return {"content": [{"type": "text", "text": text}], "is_error": is_error}

    return SdkMcpTool(name=tool.name, description=tool.about, input_schema=dict(tool.schema), handler=handle)
