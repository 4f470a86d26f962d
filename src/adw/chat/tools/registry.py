"""All tools, and the one way to call one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adw.chat.tools.agents import AGENT_TOOLS
from adw.chat.tools.doors import Caller, Doors
from adw.chat.tools.looking import LOOKING
from adw.chat.tools.orders import ORDERS
from adw.chat.tools.tool import Tool, ToolAnswer
from adw.kit.errors import NotFoundError

TOOLS: Sequence[Tool] = (*LOOKING, *ORDERS, *AGENT_TOOLS)

_BY_NAME: Mapping[str, Tool] = {tool.name: tool for tool in TOOLS}


def tools_for(*, read_only: bool = False, unasked: bool = False) -> tuple[Tool, ...]:
    """Those that may be used; `unasked` is for turns that no person has begun."""
    return tuple(
        tool for tool in TOOLS if not (read_only and tool.scope != "read") and not (unasked and tool.asked_for)
    )


def find_tool(name: str) -> Tool:
    """Raises NotFoundError with the names there are."""
    if name not in _BY_NAME:
        raise NotFoundError(f"there is no tool {name}", hint=f"there are: {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


async def call_tool(doors: Doors, caller: Caller, name: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    """Carries out one call. An unknown name is an answer too."""
    try:
        tool = find_tool(name)
    except NotFoundError as error:
        return ToolAnswer(text=f"{error.message}; {error.hint}", is_error=True)
    return await tool.call(doors, caller, arguments)
