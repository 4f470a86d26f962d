"""Writes down what a free agent says and does while it carries out a command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adw.domain.agent import AgentMessage
from adw.domain.free_agent import LogKind
from adw.store import free_agent_work as store
from adw.store.db import Database
from adw.store.deltas import AGENT_PREFIX, Writer
from adw.store.free_agent_work import AgentWork
from adw.workflows.tool_words import describe_tool


class Scribe:
    """The last words are kept back: they are the answer, and are written when the command ends."""

    def __init__(self, *, database: Database, work: AgentWork, cwd: Path) -> None:
        self._database = database
        self._work = work
        self._cwd = str(cwd)
        self._writer = Writer(adw_id=f"{AGENT_PREFIX}{work.agent.id}", phase="", role=work.agent.name)
        self.pending = ""

    async def take(self, message: AgentMessage) -> None:
        """Raises LostAgentError when another worker has the agent by now."""
        match message.kind:
            case "started" if message.session_id is not None:
                async with self._database.begin() as connection:
                    await store.keep_facts(connection, self._work, session_id=message.session_id)
            case "text":
                self._database.deltas.drop(self._writer)
                await self._flush()
                self.pending = message.text
            case "delta" if message.text:
                self._database.deltas.say(self._writer, message.text)
            case "thinking":
                await self._flush()
                await self.note("thinking", message.text)
            case "tool_use":
                await self._flush()
                await self._tool_use(message)
            case "tool_result":
                failed = "failed: " if message.is_error else ""
                about = {"id": message.tool_use_id, "isError": message.is_error}
                summary = f"{failed}{message.text.strip()}".partition("\n")[0] or "(nothing)"
                await self.note("tool_result", message.text, summary=summary, metadata=about)
            case "retry":
                await self.note("notice", message.text)
            case _:
                pass

    async def note(
        self, kind: LogKind, body: str, *, summary: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        async with self._database.begin() as connection:
            await store.note_work(connection, self._work, kind=kind, body=body, summary=summary, metadata=metadata)

    async def _tool_use(self, message: AgentMessage) -> None:
        name = message.tool_name or "a tool"
        summary = describe_tool(name, message.tool_input, cwd=self._cwd)
        about = {"tool": name, "id": message.tool_use_id, "input": message.tool_input}
        await self.note("tool_use", summary, summary=summary, metadata=about)

    async def _flush(self) -> None:
        said, self.pending = self.pending, ""
        if said:
            await self.note("text", said)
