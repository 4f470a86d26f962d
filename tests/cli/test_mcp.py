"""Our tools through the official client of the protocol, over standard input and output."""

from __future__ import annotations

import sys

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from tests.api.conftest import template
from tests.api.stage import TOKEN
from tests.client.conftest import Live, live

__all__ = ["live", "template"]

PROGRAM = """
import asyncio, sys
from adw.cli.mcp_server import serve_mcp
asyncio.run(serve_mcp(sys.argv[1], sys.argv[2], actor="Ada", read_only=sys.argv[3] == "yes"))
"""


@pytest.mark.parametrize("read_only", ["yes", "no"])
async def test_an_agent_of_others_looks_and_acts_through_the_tools(live: Live, read_only: str):
    workflow = await live.stage.work()
    program = StdioServerParameters(command=sys.executable, args=["-c", PROGRAM, live.url, TOKEN, read_only])
    async with stdio_client(program) as (incoming, outgoing), ClientSession(incoming, outgoing) as session:
        await session.initialize()
        offered = {tool.name for tool in (await session.list_tools()).tools}
        shown = await session.call_tool("get_workflow", {"adw_id": workflow.adw_id[:6]})
        paused = await session.call_tool("pause", {"adw_id": workflow.adw_id})
        nothing = await session.call_tool("no_such_tool", {})
    assert "status: queued" in shown.content[0].text
    assert nothing.is_error
    is_paused = (await live.stage.row(workflow.adw_id)).status == "paused"
    if read_only == "yes":
        assert "pause" not in offered
        assert paused.is_error
        assert not is_paused
    else:
        assert {"pause", "start_workflow"} <= offered
        assert not paused.is_error
        assert is_paused
