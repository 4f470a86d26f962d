"""Calls that change something are rows of the audit, as requests are."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from adw.chat.tools.doors import Doors
from adw.chat.tools.tool import Tool, ToolAnswer
from adw.domain.access import Principal
from adw.store.audit import Deed, record_deed

_TARGETS = ("adw_id", "reference", "agent_name", "name", "issue_number", "project")
"""What of a tool's input names the thing it was done to."""


async def record_call(  # who it was, what was called, and how it went
    doors: Doors,
    tool: Tool,
    given: Mapping[str, Any],
    answer: ToolAnswer,
    *,
    who: str,
    principal: Principal | None = None,
    peer: str | None = None,
) -> None:
    """Writes down a call of a tool that changes something; nothing for the others. Raises DatabaseError."""
    if tool.scope == "read":
        return
    target = next((str(given[name]) for name in _TARGETS if given.get(name)), None)
    deed = Deed(
        who=who,
        method="TOOL",
        route=tool.name,
        status=HTTPStatus.CONFLICT if answer.is_error else HTTPStatus.OK,
        target=target,
        peer=peer,
        token_id=None if principal is None else principal.token_id,
        session_id=None if principal is None else principal.session_id,
    )
    async with doors.database.begin() as connection:
        await record_deed(connection, deed)
