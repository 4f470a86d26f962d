"""Free agents and their commands, as whoever orders them sees them. Carrying commands out is `free_agent_work`.

Whoever changes an agent, or writes into its log, locks its row first, so numbers become visible in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.free_agent import MOST_WAITING, AgentCommand, AgentStatus, CommandState, FreeAgent
from adw.kit.errors import ConflictError, NotFoundError
from adw.store.free_agent_log import write_log
from adw.store.json import storable_text
from adw.store.tables.free_agents import free_agent_commands as commands
from adw.store.tables.free_agents import free_agents as agents

AGENTS_CHANNEL = "adw_agents"
"""Announces the id of an agent with something to do or to stop."""
OPEN_STATES = (CommandState.QUEUED.value, CommandState.EXECUTING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """What an agent is made of. The same `key` gives the agent that was made before."""

    orchestrator_agent_id: UUID
    name: str
    system_prompt: str
    tools: tuple[str, ...]
    created_by: str
    project_id: str | None = None
    base_sha: str | None = None
    template: str | None = None
    model: str | None = None
    budget_usd: Decimal | None = None
    key: str | None = None


async def create_agent(connection: AsyncConnection, new: NewAgent) -> FreeAgent:
    """Raises ConflictError when a living agent of this orchestrator has the name."""
    known = await _by_key(connection, new)
    if known is not None:
        return known
    values = {name: getattr(new, name) for name in NewAgent.__slots__}
    values |= {"tools": list(new.tools), "system_prompt": storable_text(new.system_prompt)}
    made = insert(agents).values(values).on_conflict_do_nothing().returning(agents)
    row = (await connection.execute(made)).mappings().first()
    if row is not None:
        return agent_from(row)
    known = await _by_key(connection, new)
    if known is not None:
        return known
    raise ConflictError(
        f"there is an agent {new.name} already", hint="command that one, choose another name, or delete it first"
    )


async def find_agent(connection: AsyncConnection, orchestrator_id: UUID, reference: str) -> FreeAgent:
    """The living one of this name, else one by its id, which may be deleted. Raises NotFoundError."""
    mine = select(agents).where(agents.c.orchestrator_agent_id == orchestrator_id)
    named = mine.where(agents.c.name == storable_text(reference), agents.c.deleted_at.is_(None))
    row = (await connection.execute(named)).mappings().first()
    if row is None and (known := _uuid(reference)) is not None:
        row = (await connection.execute(mine.where(agents.c.id == known))).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no agent {reference!r}", hint="see `adw agent list`")
    return agent_from(row)


async def get_agent(connection: AsyncConnection, agent_id: UUID) -> FreeAgent:
    """Raises NotFoundError."""
    row = (await connection.execute(select(agents).where(agents.c.id == agent_id))).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no agent {agent_id}")
    return agent_from(row)


async def list_agents(
    connection: AsyncConnection, *, orchestrator_id: UUID | None = None, deleted: bool = False, limit: int = 200
) -> list[FreeAgent]:
    """The living ones, or with `deleted` the others, latest first."""
    is_deleted = agents.c.deleted_at.is_not(None)
    query = select(agents).where(is_deleted if deleted else ~is_deleted)
    if orchestrator_id is not None:
        query = query.where(agents.c.orchestrator_agent_id == orchestrator_id)
    query = query.order_by(agents.c.created_at.desc(), agents.c.id).limit(limit)
    return [agent_from(row) for row in (await connection.execute(query)).mappings()]


async def command_agent(
    connection: AsyncConnection, agent_id: UUID, *, author: str, body: str, key: str | None = None
) -> AgentCommand:
    """Puts a command in line. The same key gives the command it gave before. Raises ConflictError, NotFoundError."""
    agent = await lock_agent(connection, agent_id)
    if key is not None:
        query = select(commands).where(commands.c.agent_id == agent_id, commands.c.key == key)
        known = (await connection.execute(query)).mappings().first()
        if known is not None:
            return command_from(known)
    if agent.status is AgentStatus.DELETED:
        raise ConflictError(f"the agent {agent.name} is deleted", hint="create another one")
    if len(await open_commands(connection, agent_id)) >= MOST_WAITING:
        raise ConflictError(
            f"{MOST_WAITING} commands wait for {agent.name} already", hint="wait, or interrupt it to drop them"
        )
    values = {"agent_id": agent_id, "author": storable_text(author), "body": storable_text(body), "key": key}
    made = command_from(
        (await connection.execute(insert(commands).values(values).returning(commands))).mappings().one()
    )
    await write_log(
        connection, agent_id, kind="command", body=body, command_id=made.id, metadata={"author": storable_text(author)}
    )
    await announce_agent(connection, agent_id)
    return made


async def open_commands(connection: AsyncConnection, agent_id: UUID) -> list[AgentCommand]:
    """What it does and what waits, in order."""
    query = select(commands).where(commands.c.agent_id == agent_id, commands.c.state.in_(OPEN_STATES))
    return [command_from(row) for row in (await connection.execute(query.order_by(commands.c.id))).mappings()]


async def has_open_commands(connection: AsyncConnection) -> bool:
    """Whether any agent has something to do."""
    query = select(commands.c.id).where(commands.c.state.in_(OPEN_STATES)).limit(1)
    return (await connection.execute(query)).first() is not None


async def latest_commands(connection: AsyncConnection, agent_id: UUID, *, limit: int = 1) -> list[AgentCommand]:
    """The last ones it was given, latest first."""
    query = select(commands).where(commands.c.agent_id == agent_id).order_by(commands.c.id.desc()).limit(limit)
    return [command_from(row) for row in (await connection.execute(query)).mappings()]


async def interrupt_agent(connection: AsyncConnection, agent_id: UUID, *, by: str) -> list[int]:
    """Wants what it does to end, and takes back what waits; returns the commands. Whoever carries it out hears it."""
    await lock_agent(connection, agent_id)
    mine = (commands.c.agent_id == agent_id,)
    waiting = update(commands).where(*mine, commands.c.state == CommandState.QUEUED.value)
    dropped = {"state": "interrupted", "stopped_by": storable_text(by), "ended_at": func.clock_timestamp()}
    gone = (await connection.execute(waiting.values(dropped).returning(commands.c.id))).scalars().all()
    running = update(commands).where(*mine, commands.c.state == CommandState.EXECUTING.value)
    wanted = {"stopped_by": func.coalesce(commands.c.stopped_by, storable_text(by))}
    ending = (await connection.execute(running.values(wanted).returning(commands.c.id))).scalars().all()
    for each in sorted(gone):
        said, about = f"taken back by {by} before it began", {"state": "interrupted"}
        await write_log(connection, agent_id, kind="notice", body=said, command_id=each, metadata=about)
    await announce_agent(connection, agent_id)
    return sorted([*ending, *gone])


async def delete_agent(connection: AsyncConnection, agent_id: UUID, *, by: str) -> FreeAgent:
    """Stops it for good and frees its name. Its log stays; its files go once a worker has kept what is in them."""
    agent = await lock_agent(connection, agent_id)
    if agent.status is AgentStatus.DELETED:
        return agent
    await interrupt_agent(connection, agent_id, by=by)
    now = func.clock_timestamp()
    values = {"status": AgentStatus.DELETED.value, "deleted_at": now, "updated_at": now}
    changed = update(agents).where(agents.c.id == agent_id).values(values).returning(agents)
    deleted = agent_from((await connection.execute(changed)).mappings().one())
    await write_log(connection, agent_id, kind="notice", body=f"deleted by {by}")
    return deleted


async def lock_agent(connection: AsyncConnection, agent_id: UUID) -> FreeAgent:
    """Raises NotFoundError."""
    query = select(agents).where(agents.c.id == agent_id).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no agent {agent_id}")
    return agent_from(row)


async def announce_agent(connection: AsyncConnection, agent_id: UUID) -> None:
    """Wakes whoever carries out commands, once this transaction has ended."""
    values = {"channel": AGENTS_CHANNEL, "id": str(agent_id)}
    await connection.execute(text("SELECT pg_notify(:channel, :id)"), values)


def agent_from(row: RowMapping) -> FreeAgent:
    values: dict[str, Any] = {name: row[name] for name in FreeAgent.__slots__}
    values["tools"], values["status"] = tuple(row["tools"]), AgentStatus(row["status"])
    return FreeAgent(**values)


def command_from(row: RowMapping) -> AgentCommand:
    values: dict[str, Any] = {name: row[name] for name in AgentCommand.__slots__}
    values["state"] = CommandState(row["state"])
    return AgentCommand(**values)


async def _by_key(connection: AsyncConnection, new: NewAgent) -> FreeAgent | None:
    if new.key is None:
        return None
    mine = agents.c.orchestrator_agent_id == new.orchestrator_agent_id
    row = (await connection.execute(select(agents).where(mine, agents.c.key == new.key))).mappings().first()
    return None if row is None else agent_from(row)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
