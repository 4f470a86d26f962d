"""Events of an agent at work, written in batches by the one process that owns its workflow.

Pieces of text still being written are no events: they are announced to whoever watches, and not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adw.domain.agent import AgentMessage
from adw.domain.events import EventType, NewEvent
from adw.kit.errors import AdwError
from adw.store.db import Database
from adw.store.deltas import Writer
from adw.store.events import append_events
from adw.workflows.tool_words import describe_tool

FLUSH_AFTER_S = 0.075
_MAX_TEXT = 16_000

_TYPES: Mapping[str, EventType] = {
    "text": EventType.AGENT_TEXT,
    "thinking": EventType.AGENT_THINKING,
    "tool_use": EventType.AGENT_TOOL_USE,
    "tool_result": EventType.AGENT_TOOL_RESULT,
    "retry": EventType.PHASE_PROGRESS,
}
_AT_ONCE = frozenset({"tool_use", "tool_result"})


class Narrator:
    """Turns messages into events. Text waits up to 75 ms for company; tool calls are written at once."""

    def __init__(
        self, database: Database, *, adw_id: str, phase: str, role: str, epoch: int, cwd: Path | None = None
    ) -> None:
        self._database = database
        self._adw_id = adw_id
        self._phase = phase
        self._role = role
        self._epoch = epoch
        self._cwd = None if cwd is None else str(cwd)
        self._writer = Writer(adw_id=adw_id, phase=phase, role=role)
        self._pending: list[NewEvent] = []
        self._writing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._problem: AdwError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._writing:  # a timer that is writing is let finish: what it took is no longer pending
            if self._timer is not None:
                self._timer.cancel()
        if kind is None:
            await self.flush()

    async def say(self, message: AgentMessage) -> None:
        """Takes a message; what is not worth an event is dropped. Raises what kept an earlier one from being told."""
        if self._problem is not None:
            raise self._problem
        if message.kind == "delta" and message.text:
            self._database.deltas.say(self._writer, message.text)
        event_type = _TYPES.get(message.kind)
        if event_type is None:
            return
        if message.kind == "text":
            self._database.deltas.drop(self._writer)
        self._pending.append(self._event(event_type, message))
        if message.kind in _AT_ONCE:
            await self.flush()
        elif self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._flush_later())

    async def flush(self) -> None:
        """Writes what is pending, in order. A worker that lost the workflow gets a FencedError."""
        async with self._writing:
            pending = list(self._pending)
            if pending:
                async with self._database.begin() as connection:
                    await append_events(connection, self._adw_id, pending, owner_epoch=self._epoch)
            del self._pending[: len(pending)]

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_AFTER_S)
        try:
            await self.flush()
        except AdwError as error:  # nobody awaits a timer; the next message meets it
            self._problem = error

    def _event(self, event_type: EventType, message: AgentMessage) -> NewEvent:
        data: dict[str, Any] = {"role": self._role}
        text = message.text
        if message.kind == "tool_use":
            text = describe_tool(message.tool_name or "", message.tool_input, cwd=self._cwd)
        if message.tool_name or message.tool_use_id:
            data |= {"tool": message.tool_name, "toolUseId": message.tool_use_id}
        if message.tool_input is not None:
            data["input"] = shortened(message.tool_input)
        if message.is_error:
            data["isError"] = True
        return NewEvent(type=event_type, phase=self._phase, message=_cut(text), data=data)


def shortened(value: Any) -> Any:
    """JSON without what is too long of its texts."""
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Mapping):
        return {str(key): shortened(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # JSON of unknown shape
    if isinstance(value, list | tuple):
        return [shortened(item) for item in value]  # pyright: ignore[reportUnknownVariableType] # JSON of unknown shape
    return value


def _cut(text: str) -> str:
    if len(text) <= _MAX_TEXT:
        return text
    return f"{text[:_MAX_TEXT]}… ({len(text) - _MAX_TEXT} more characters)"
