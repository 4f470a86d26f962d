"""The tools as a server of the Model Context Protocol, whoever carries the calls: a pipe or a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp import types
from mcp.server.lowlevel import Server

import adw
from adw.kit.errors import AdwError

_ABOUT = (
    "Runs that turn issues into tested pull requests: start them, look at them, steer them. A run goes on by itself "
    "once it is started; ask `get_workflow` how it stands."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tool as outside agents see it."""

    name: str
    about: str
    schema: Mapping[str, Any]
    changes_something: bool


Offered: TypeAlias = Callable[[], Awaitable[Sequence[Offer]]]
CarriedOut: TypeAlias = Callable[[Offer, Mapping[str, Any]], Awaitable[tuple[str, bool]]]
"""The answer in words, and whether it is an error."""


def mcp_server(offered: Offered, carry_out: CarriedOut) -> Server[Any]:
    """Offers what is `offered`, and nothing else can be called. Errors of ours become answers."""

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(each) for each in await offered()])

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            known = {each.name: each for each in await offered()}
            if params.name not in known:
                return _answered(f"there is no tool {params.name} here", is_error=True)
            text, is_error = await carry_out(known[params.name], params.arguments or {})
        except AdwError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return _answered(f"{error.message}{hint}", is_error=True)
        return _answered(text, is_error=is_error)

    return Server("adw", version=adw.__version__, instructions=_ABOUT, on_list_tools=list_tools, on_call_tool=call_tool)


def _described(offer: Offer) -> types.Tool:
    return types.Tool.model_validate(
        {
            "name": offer.name,
            "description": offer.about,
            "inputSchema": dict(offer.schema),
            "annotations": {"readOnlyHint": not offer.changes_something},
        }
    )


def _answered(text: str, *, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult.model_validate({"content": [{"type": "text", "text": text}], "isError": is_error})
