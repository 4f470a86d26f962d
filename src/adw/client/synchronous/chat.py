"""Conversations with an orchestrator, of the client for programs without an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Chat(Connection):
    """Conversations with an orchestrator."""

    def chat(self, message: str, *, interrupt: bool = False, key: str | None = None) -> t.PostedDict:
        """Says something; what is answered is read from `chat_history`."""
        return self.send(calls.chat.say(message, interrupt=interrupt, actor=self.actor, key=key))

    def chat_history(self, *, after: int | None = None, limit: int = 100) -> t.HistoryDict:
        """The latest entries, or those after a `seq`."""
        return self.send(calls.chat.history(after=after, limit=limit))

    def clear_chat_history(self) -> t.ClearedDict:
        return self.send(calls.chat.clear_history())

    def chat_metrics(self) -> t.OrchestratorDict:
        return self.send(calls.chat.metrics())

    def configure_chat(self, choices: t.ChatChoices) -> t.OrchestratorDict:
        return self.send(calls.chat.choose(choices))

    def interrupt_chat(self) -> t.InterruptedDict:
        return self.send(calls.chat.interrupt())

    def reset_chat(self) -> t.ResetDict:
        return self.send(calls.chat.reset())

    def tools(self) -> t.ToolListDict:
        """What an agent can ask for."""
        return self.send(calls.chat.tools())

    def look(self, name: str, arguments: Mapping[str, Any]) -> t.ToolAnswerDict:
        """Uses a tool that changes nothing."""
        return self.send(calls.chat.look(name, arguments))

    def use_tool(self, name: str, arguments: Mapping[str, Any], *, key: str | None = None) -> t.ToolAnswerDict:
        return self.send(calls.chat.use_tool(name, arguments, actor=self.actor, key=key))
