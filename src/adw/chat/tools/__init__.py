"""What the orchestrator agent, and agents of others, can do: one list of tools over the services the API uses."""

from __future__ import annotations

from adw.chat.tools.doors import Caller, Doors
from adw.chat.tools.recording import record_call
from adw.chat.tools.registry import TOOLS, call_tool, find_tool, tools_for
from adw.chat.tools.tool import Scope, Tool, ToolAnswer

__all__ = [
    "TOOLS",
    "Caller",
    "Doors",
    "Scope",
    "Tool",
    "ToolAnswer",
    "call_tool",
    "find_tool",
    "record_call",
    "tools_for",
]
