"""What free agents say and do, in order; each entry with one line that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.free_agent import AgentLogEntry, LogKind
from adw.store.json import storable, storable_text
from adw.store.tables.free_agents import free_agent_log as log

LOG_CHANNEL = "adw_agent_log"
"""Announces the id of an agent whose log has grown."""
MAX_BODY_CHARS = 16_000
_SUMMARY_CHARS = 160


async def write_log(
    connection: AsyncConnection,
    agent_id: UUID,
    *,
    kind: LogKind,
    body: str,
    summary: str | None = None,
    command_id: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Adds an entry. Holders of the agent's row lock only. Without a summary it is the text's first line."""
    values = {
        "agent_id": agent_id,
        "command_id": command_id,
        "kind": kind,
        "summary": one_line(summary or _first_line(body)),
        "body": storable_text(_cut(body)),
        "metadata": storable(metadata or {}),
    }
    await connection.execute(insert(log).values(values))
    told = {"channel": LOG_CHANNEL, "id": str(agent_id)}
    await connection.execute(text("SELECT pg_notify(:channel, :id)"), told)


async def read_log(
    connection: AsyncConnection, agent_id: UUID, *, after: int | None = None, limit: int = 100
) -> list[AgentLogEntry]:
    """Its entries in order: from `after` on, or without it the latest."""
    query = select(log).where(log.c.agent_id == agent_id).limit(limit)
    if after is not None:
        query = query.where(log.c.seq > after).order_by(log.c.seq)
        return [_entry(row) for row in (await connection.execute(query)).mappings()]
    return [_entry(row) for row in (await connection.execute(query.order_by(log.c.seq.desc()))).mappings()][::-1]


async def read_tail(
    connection: AsyncConnection, agent_id: UUID, *, count: int, offset: int = 0
) -> tuple[list[AgentLogEntry], int]:
    """The last `count` entries but for the very last `offset`, in order, and how many there are in all."""
    query = select(log).where(log.c.agent_id == agent_id).order_by(log.c.seq.desc()).limit(count).offset(offset)
    found = [_entry(row) for row in (await connection.execute(query)).mappings()][::-1]
    in_all = select(func.count()).select_from(log).where(log.c.agent_id == agent_id)
    return found, (await connection.execute(in_all)).scalar_one()


def one_line(words: str) -> str:
    """At most 160 characters, on one line."""
    joined = storable_text(" ".join(words.split()))
    return joined if len(joined) <= _SUMMARY_CHARS else f"{joined[: _SUMMARY_CHARS - 1].rstrip()}…"


def _first_line(body: str) -> str:
    return next((line for line in body.splitlines() if line.strip()), "")


def _cut(body: str) -> str:
    left = len(body) - MAX_BODY_CHARS
    return body if left <= 0 else f"{body[:MAX_BODY_CHARS]}… ({left} more characters)"


def _entry(row: RowMapping) -> AgentLogEntry:
    return AgentLogEntry(**{name: row[name] for name in AgentLogEntry.__slots__})
