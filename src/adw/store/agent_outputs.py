"""Records of agents' conversations: written when one starts, completed when it ends, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.agent import AgentResult
from adw.store.json import storable, storable_text
from adw.store.tables.work import agent_outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOutput:
    """One conversation of one agent."""

    id: UUID
    adw_id: str
    agent_name: str
    phase: str
    attempt: int
    round: int
    session_id: str | None
    model: str | None
    output_text: str | None
    output_jsonl: Mapping[str, Any] | None
    success: bool | None
    error_message: str | None
    failure_class: str | None
    retry_count: int
    turns: int
    requests: int
    input_tokens: int
    output_tokens: int
    duration_ms: int
    snapshot_sha: str | None
    created_at: datetime
    ended_at: datetime | None


async def create_agent_output(
    connection: AsyncConnection,
    *,
    adw_id: str,
    agent_name: str,
    phase: str,
    attempt: int = 1,
    round_number: int = 0,
    model: str | None = None,
) -> AgentOutput:
    """The record of a conversation, made at its first start; a resumed one gets the record it had."""
    key = {"adw_id": adw_id, "phase": phase, "attempt": attempt, "agent_name": agent_name, "round": round_number}
    await connection.execute(insert(agent_outputs).values(**key, model=model).on_conflict_do_nothing())
    query = select(agent_outputs).filter_by(**key)
    return _output((await connection.execute(query)).mappings().one())


async def record_session(connection: AsyncConnection, *, output_id: UUID, session_id: str) -> None:
    """Notes the conversation's session as soon as it is known, so that a crash can resume it.

    A conversation that had ended before goes on now: how it ended counts no more.
    """
    going = {"ended_at": None, "success": None, "error_message": None, "failure_class": None}
    await _change(connection, output_id, {"session_id": session_id, **going})


async def record_snapshot(connection: AsyncConnection, *, output_id: UUID, snapshot_sha: str) -> None:
    await _change(connection, output_id, {"snapshot_sha": snapshot_sha})


async def count_retry(connection: AsyncConnection, *, output_id: UUID) -> None:
    await _change(connection, output_id, {"retry_count": agent_outputs.c.retry_count + 1})


async def finish_agent_output(connection: AsyncConnection, *, output_id: UUID, result: AgentResult) -> None:
    """Completes the record. Duration and turns add up over resumes."""
    failure = result.failure
    values: dict[str, Any] = {
        "session_id": result.session_id,
        "output_text": storable_text(result.text),
        "output_jsonl": None if result.structured is None else storable(result.structured),
        "success": failure is None,
        "error_message": None if failure is None else storable_text(failure.message),
        "failure_class": None if failure is None else failure.failure_class.value,
        "stop_reason": result.stop_reason,
        "turns": agent_outputs.c.turns + result.turns,
        "requests": agent_outputs.c.requests + result.usage.requests,
        "input_tokens": agent_outputs.c.input_tokens + result.usage.tokens.input,
        "output_tokens": agent_outputs.c.output_tokens + result.usage.tokens.output,
        "duration_ms": agent_outputs.c.duration_ms + result.duration_ms,
        "ended_at": func.clock_timestamp(),
    }
    await _change(connection, output_id, values)


async def keep_open(connection: AsyncConnection, *, output_id: UUID) -> None:
    """The answer of this conversation does not count: it is about to go on."""
    await _change(connection, output_id, {"success": None, "ended_at": None})


async def forget_session(connection: AsyncConnection, *, output_id: UUID) -> None:
    """The conversation is given up: whoever works on this record next begins another."""
    await _change(connection, output_id, {"session_id": None})


async def get_agent_outputs(connection: AsyncConnection, adw_id: str) -> list[AgentOutput]:
    query = select(agent_outputs).where(agent_outputs.c.adw_id == adw_id).order_by(agent_outputs.c.created_at)
    return [_output(row) for row in (await connection.execute(query)).mappings()]


async def _change(connection: AsyncConnection, output_id: UUID, values: Mapping[str, Any]) -> None:
    await connection.execute(update(agent_outputs).where(agent_outputs.c.id == output_id).values(values))


def _output(row: RowMapping) -> AgentOutput:
    return AgentOutput(**{name: row[name] for name in AgentOutput.__slots__})
