"""What was said in a conversation, stored after every message, so that any worker can take it up at any point.

Each entry is one message of the Messages API. The results of tools are stored one by one, as they come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast
from uuid import uuid4

from adw.ports.sessions import TranscriptEntry, TranscriptKey, TranscriptRows

SESSION_PREFIX = "plain-"
"""Tells our sessions from those of other runtimes, whose entries have another form."""

_INTERRUPTED = "This call was interrupted, and it is unknown how far it got; look before you repeat it."

Block = Mapping[str, Any]


def new_session_id() -> str:
    return f"{SESSION_PREFIX}{uuid4()}"


@dataclass(slots=True)
class Transcript:
    """One conversation, as it is kept."""

    rows: TranscriptRows
    key: TranscriptKey
    _messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @classmethod
    async def load(cls, rows: TranscriptRows, *, project_key: str, session_id: str) -> Self | None:
        """The conversation with a result for every call; None when nothing of it is kept."""
        if not session_id.startswith(SESSION_PREFIX):
            return None
        key = TranscriptKey(project_key=project_key, session_id=session_id)
        bodies = await rows.load(key)
        if not bodies:
            return None
        found = cls(rows, key)
        for body in bodies:
            found._take(json.loads(body)["message"])
        for call in found.open_calls():
            await found.add_result(str(call["id"]), text=_INTERRUPTED, is_error=True)
        return found

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As the Messages API wants them."""
        return self._messages

    def open_calls(self) -> list[Block]:
        """Calls of tools that have no result yet."""
        answered = {block.get("tool_use_id") for block in self._blocks() if block.get("type") == "tool_result"}
        return [block for block in self._blocks() if block.get("type") == "tool_use" and block["id"] not in answered]

    async def add_prompt(self, text: str) -> None:
        await self._add({"role": "user", "content": [{"type": "text", "text": text}]})

    async def add_answer(self, content: list[dict[str, Any]]) -> None:
        await self._add({"role": "assistant", "content": content})

    async def add_result(self, tool_use_id: str, *, text: str, is_error: bool) -> None:
        block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": text, "is_error": is_error}
        await self._add({"role": "user", "content": [block]})

    async def _add(self, message: dict[str, Any]) -> None:
        uuid = str(uuid4())
        entry = {"type": message["role"], "uuid": uuid, "message": message}
        # ASCII escapes keep NUL and lone surrogates, which PostgreSQL text cannot hold raw
        await self.rows.append(self.key, [TranscriptEntry(body=json.dumps(entry, ensure_ascii=True), uuid=uuid)])
        self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """All results of one answer belong into one message."""
        last = self._messages[-1] if self._messages else None
        if last is not None and _holds_results(last) and _holds_results(message):
            last["content"] = [*last["content"], *message["content"]]
        else:
            self._messages.append(dict(message))

    def _blocks(self) -> list[Block]:
        return [block for message in self._messages for block in cast("list[Block]", message["content"])]


def _holds_results(message: Mapping[str, Any]) -> bool:
    return message["role"] == "user" and all(block["type"] == "tool_result" for block in message["content"])
