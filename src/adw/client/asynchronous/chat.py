"""Conversations with an orchestrator, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncChat(AsyncConnection):
    """Conversations with an orchestrator."""

    async def chat(self, message: str, *, interrupt: bool = False, key: str | None = None) -> t.PostedDict:
        """Says something; what is answered is read from `chat_history`."""
        return await self.send(calls.chat.say(message, interrupt=interrupt, actor=self.actor, key=key))

    async def chat_history(self, *, after: int | None = None, limit: int = 100) -> t.HistoryDict:
        """The latest entries, or those after a `seq`."""
        return await self.send(calls.chat.history(after=after, limit=limit))

    async def clear_chat_history(self) -> t.ClearedDict:
        return await self.send(calls.chat.clear_history())

    async def chat_metrics(self) -> t.OrchestratorDict:
        return await self.send(calls.chat.metrics())

    async def configure_chat(self, choices: t.ChatChoices) -> t.OrchestratorDict:
        return await self.send(calls.chat.choose(choices))

    async def interrupt_chat(self) -> t.InterruptedDict:
        return await self.send(calls.chat.interrupt())

    async def reset_chat(self) -> t.ResetDict:
        return await self.send(calls.chat.reset())

    async def tools(self) -> t.ToolListDict:
        """What an agent can ask for."""
        return await self.send(calls.chat.tools())

    async def look(self, name: str, arguments: Mapping[str, Any]) -> t.ToolAnswerDict:
        """Uses a tool that changes nothing."""
        return await self.send(calls.chat.look(name, arguments))

    async def use_tool(self, name: str, arguments: Mapping[str, Any], *, key: str | None = None) -> t.ToolAnswerDict:
        return await self.send(calls.chat.use_tool(name, arguments, actor=self.actor, key=key))
