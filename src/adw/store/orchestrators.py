"""The orchestrator agent's row and chat. Tokens and cost are added in the database, never read and written back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.quiet import QuietHours
from adw.kit.errors import NotFoundError
from adw.store.json import storable, storable_text
from adw.store.tables.orchestrator import orchestrator_agents, orchestrator_chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrator:
    """One orchestrator agent and what it has used so far."""

    id: UUID
    session_id: str | None
    working_dir: str
    input_tokens: int
    output_tokens: int
    total_cost: Decimal
    status: str
    archived: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestratorSettings:
    """What people chose for one. `model` and `budget_usd` (for a month) are None for the usual ones.

    `context_tokens` is no choice: it is how much of the model's window the conversation takes up by now.
    """

    model: str | None
    budget_usd: Decimal | None
    wake: bool
    quiet: QuietHours | None
    context_tokens: int


async def get_or_create_orchestrator(connection: AsyncConnection, working_dir: str) -> Orchestrator:
    """The folder's orchestrator that is not archived, made if there is none."""
    mine = (orchestrator_agents.c.working_dir == working_dir, ~orchestrator_agents.c.archived)
    query = select(orchestrator_agents).where(*mine)
    known = (await connection.execute(query)).mappings().first()
    if known is not None:
        return _orchestrator(known)
    statement = insert(orchestrator_agents).values(working_dir=working_dir)
    await connection.execute(
        statement.on_conflict_do_nothing(index_elements=["working_dir"], index_where=text("NOT archived"))
    )
    return _orchestrator((await connection.execute(query)).mappings().one())


async def update_orchestrator_session(connection: AsyncConnection, orchestrator_id: UUID, session_id: str) -> None:
    await _change(connection, orchestrator_id, {"session_id": session_id})


async def update_orchestrator_costs(
    connection: AsyncConnection,
    orchestrator_id: UUID,
    *,
    input_tokens: int,
    output_tokens: int,
    cost_usd: Decimal,
) -> None:
    """Adds what one turn used."""
    table = orchestrator_agents.c
    values = {
        "input_tokens": table.input_tokens + input_tokens,
        "output_tokens": table.output_tokens + output_tokens,
        "total_cost": table.total_cost + cost_usd,
    }
    await _change(connection, orchestrator_id, values)


async def get_orchestrator_by_id(connection: AsyncConnection, orchestrator_id: UUID) -> Orchestrator | None:
    query = select(orchestrator_agents).where(orchestrator_agents.c.id == orchestrator_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _orchestrator(row)


async def require_orchestrator(connection: AsyncConnection, orchestrator_id: UUID) -> Orchestrator:
    """Raises NotFoundError."""
    found = await get_orchestrator_by_id(connection, orchestrator_id)
    if found is None:
        raise NotFoundError(f"there is no orchestrator {orchestrator_id}", hint="leave it out for the server's own")
    return found


async def orchestrator_settings(connection: AsyncConnection, orchestrator_id: UUID) -> OrchestratorSettings:
    """Raises NotFoundError."""
    query = select(orchestrator_agents).where(orchestrator_agents.c.id == orchestrator_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no orchestrator {orchestrator_id}")
    quiet = None
    if row["quiet_from"] is not None:
        quiet = QuietHours(start=row["quiet_from"], end=row["quiet_until"], zone=row["quiet_zone"])
    return OrchestratorSettings(
        model=row["model"],
        budget_usd=row["budget_usd"],
        wake=row["wake"],
        quiet=quiet,
        context_tokens=row["context_tokens"],
    )


async def configure_orchestrator(
    connection: AsyncConnection, orchestrator_id: UUID, chosen: OrchestratorSettings
) -> None:
    """Writes all choices. Raises NotFoundError."""
    quiet = chosen.quiet
    values = {
        "model": chosen.model,
        "budget_usd": chosen.budget_usd,
        "wake": chosen.wake,
        "quiet_from": None if quiet is None else quiet.start,
        "quiet_until": None if quiet is None else quiet.end,
        "quiet_zone": "UTC" if quiet is None else quiet.zone,
    }
    await _change(connection, orchestrator_id, values)


async def list_active_orchestrators(connection: AsyncConnection) -> list[Orchestrator]:
    query = (
        select(orchestrator_agents).where(~orchestrator_agents.c.archived).order_by(orchestrator_agents.c.created_at)
    )
    return [_orchestrator(row) for row in (await connection.execute(query)).mappings()]


async def archive_orchestrator(connection: AsyncConnection, orchestrator_id: UUID) -> None:
    await _change(connection, orchestrator_id, {"archived": True, "status": "archived"})


async def save_orchestrator_chat(
    connection: AsyncConnection, orchestrator_id: UUID, *, user_message: str, answer: str, session_id: str | None
) -> None:
    """Writes a question and its answer, in this order, both or neither."""
    said = (("user", "orchestrator", user_message), ("orchestrator", "user", answer))
    for sender, receiver, message in said:
        values: dict[str, Any] = {
            "orchestrator_agent_id": orchestrator_id,
            "sender_type": sender,
            "receiver_type": receiver,
            "message": storable_text(message),
            "metadata": storable({"session_id": session_id}),
        }
        await connection.execute(insert(orchestrator_chat).values(values))


async def _change(connection: AsyncConnection, orchestrator_id: UUID, values: dict[str, Any]) -> None:
    statement = (
        update(orchestrator_agents)
        .where(orchestrator_agents.c.id == orchestrator_id)
        .values(**values, updated_at=func.clock_timestamp())
        .returning(orchestrator_agents.c.id)
    )
    if (await connection.execute(statement)).first() is None:
        raise NotFoundError(f"there is no orchestrator {orchestrator_id}")


def _orchestrator(row: RowMapping) -> Orchestrator:
    return Orchestrator(**{name: row[name] for name in Orchestrator.__slots__})
