"""Logs that sockets can follow: conversations with an orchestrator, and what free agents say and do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.applications import Starlette

from adw.api.live.frames import AGENT, ORCHESTRATOR, log_frame, server_frame
from adw.domain.free_agent import AgentLogEntry
from adw.kit.errors import NotFoundError
from adw.store.chat import ChatEntry, chat_history, open_items
from adw.store.db import Database
from adw.store.free_agent_log import read_log
from adw.store.free_agents import find_agent
from adw.store.orchestrators import get_or_create_orchestrator, require_orchestrator
from adw.stream import AGENT_PREFIX, CHAT_PREFIX, Frame, Log, Page

OWN = "own"
"""The server's own orchestrator, whatever its id."""


async def open_log(app: Starlette, field: str, name: str) -> Log:
    """What a client means. `app` is the application of the socket. Raises NotFoundError and DatabaseError."""
    database: Database = app.state.services.database
    async with database.begin() as connection:
        own = await get_or_create_orchestrator(connection, str(app.state.services.home or app.state.data_dir))
        if field == AGENT:
            return AgentLog(database, (await find_agent(connection, own.id, name)).id)
    return Conversation(database, own.id if name == OWN else _uuid(name))


class Conversation:
    """What is said to an orchestrator and by it. Followers are also told whom it answers."""

    def __init__(self, database: Database, orchestrator_id: UUID) -> None:
        self._database = database
        self._id = orchestrator_id
        self._of = (ORCHESTRATOR, str(orchestrator_id))
        self.name = f"{CHAT_PREFIX}{orchestrator_id}"

    async def last(self) -> int:
        async with self._database.read() as connection:
            await require_orchestrator(connection, self._id)
            latest = await chat_history(connection, self._id, limit=1)
        return latest[-1].seq if latest else 0

    async def read(self, after: int, *, limit: int) -> Page[int]:
        async with self._database.read() as connection:
            found = await chat_history(connection, self._id, after=after, limit=limit)
        return _page([self._frame(entry) for entry in found], after, limit=limit)

    async def standing(self) -> dict[str, Any]:
        async with self._database.read() as connection:
            items = await open_items(connection, self._id)
        running = next((item for item in items if item.state == "running"), None)
        return {"turnId": None if running is None else running.turn_id}

    def changes(self, before: Any, now: Any) -> Sequence[str]:
        told = (("turn_ended", before["turnId"]), ("turn_started", now["turnId"]))
        return [server_frame(kind, of=self._of, data={"turnId": turn}) for kind, turn in told if turn is not None]

    def delta(self, piece: str) -> str:
        return server_frame("chat_delta", of=self._of, data={"text": piece})

    def _frame(self, entry: ChatEntry) -> Frame[int]:
        data = {
            "id": entry.id,
            "kind": entry.kind,
            "senderType": entry.sender_type,
            "message": entry.message,
            "turnId": entry.turn_id,
            "metadata": entry.metadata,
        }
        text = log_frame("chat_message", entry.created_at, of=self._of, seq=entry.seq, data=data)
        return Frame(at=entry.seq, type=entry.kind, text=text)


class AgentLog:
    """What a free agent is told, says and does."""

    def __init__(self, database: Database, agent_id: UUID) -> None:
        self._database = database
        self._id = agent_id
        self._of = (AGENT, str(agent_id))
        self.name = f"{AGENT_PREFIX}{agent_id}"

    async def last(self) -> int:
        async with self._database.read() as connection:
            latest = await read_log(connection, self._id, limit=1)
        return latest[-1].seq if latest else 0

    async def read(self, after: int, *, limit: int) -> Page[int]:
        async with self._database.read() as connection:
            found = await read_log(connection, self._id, after=after, limit=limit)
        return _page([self._frame(entry) for entry in found], after, limit=limit)

    async def standing(self) -> dict[str, Any]:
        """Nothing: its log says when it is told something and when it has answered."""
        return {}

    def changes(self, before: Any, now: Any) -> Sequence[str]:  # noqa: ARG002 # they never differ
        return ()

    def delta(self, piece: str) -> str:
        return server_frame("agent_delta", of=self._of, data={"text": piece})

    def _frame(self, entry: AgentLogEntry) -> Frame[int]:
        data = {
            "kind": entry.kind,
            "summary": entry.summary,
            "body": entry.body,
            "commandId": entry.command_id,
            "metadata": entry.metadata,
        }
        text = log_frame("agent_log", entry.created_at, of=self._of, seq=entry.seq, data=data)
        return Frame(at=entry.seq, type=entry.kind, text=text)


def _page(frames: list[Frame[int]], after: int, *, limit: int) -> Page[int]:
    return Page(frames=frames, upto=frames[-1].at if frames else after, is_more=len(frames) == limit)


def _uuid(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError as error:
        hint = f"pass its whole id, or `{OWN}` for the server's own"
        raise NotFoundError(f"there is no orchestrator {name!r}", hint=hint) from error
