"""Carrying out the commands of free agents: one at a time for each agent, held by a lease on the database's clock.

Whoever holds the lease writes; a worker that lost it can write nothing more, so a command ends exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.free_agent import AgentCommand, AgentStatus, CommandState, FreeAgent, LogKind
from adw.kit.errors import ConflictError
from adw.store.chat import announce
from adw.store.chat_turns import LEASE_S, account_of
from adw.store.free_agent_log import one_line, write_log
from adw.store.free_agents import OPEN_STATES, agent_from, announce_agent, command_from
from adw.store.orchestrators import update_orchestrator_costs
from adw.store.tables.chat import orchestrator_inbox as inbox
from adw.store.tables.free_agents import free_agent_commands as commands
from adw.store.tables.free_agents import free_agents as agents
from adw.store.tables.orchestrator import orchestrator_agents as orchestrators
from adw.store.tables.usage import model_requests as requests
from adw.store.usage import book_orphans, open_part, remaining

_FOR = func.clock_timestamp() + text(f"interval '{LEASE_S} seconds'")
_AFTER: Mapping[CommandState, AgentStatus] = {
    CommandState.DONE: AgentStatus.IDLE,
    CommandState.INTERRUPTED: AgentStatus.INTERRUPTED,
    CommandState.FAILED: AgentStatus.FAILED,
}
_TO_DO = text(
    """
    SELECT mine.id FROM free_agents AS mine
    WHERE (
        mine.owner IS NULL OR mine.owned_until < clock_timestamp()
        OR EXISTS (SELECT FROM workers WHERE id = split_part(mine.owner, '#', 1) AND ended_at IS NOT NULL)
    )
    AND (
        mine.host IS NULL OR mine.host = :host
        OR NOT EXISTS (SELECT FROM workers WHERE host_id = mine.host AND ended_at IS NULL)
    )
    AND (
        (mine.deleted_at IS NOT NULL AND mine.host = :host)
        OR EXISTS (
            SELECT FROM free_agent_commands AS command
            WHERE command.agent_id = mine.id AND command.state IN ('queued', 'executing')
        )
    )
    ORDER BY mine.updated_at LIMIT 1
    FOR UPDATE OF mine SKIP LOCKED
    """
)
"""Its files are on one host, so workers of that one have it for themselves as long as there are any."""


class LostAgentError(ConflictError):
    """Another worker has this agent now"""

    code = "lost_agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWork:
    """What one worker is to do now: carry out `command`, or, of a deleted agent without one, put its files away."""

    agent: FreeAgent
    command: AgentCommand | None
    owner: str

    @property
    def run_id(self) -> str:
        """The agent run that its requests are booked under, the same for every worker that takes the command."""
        return f"{self.agent.id}-{self.command.id if self.command else 0}"


async def take_work(connection: AsyncConnection, *, owner: str, host: str) -> AgentWork | None:
    """What is to be done next, taken by `owner`: what a lost worker began, else what waits longest.

    Raises LostAgentError when another worker has ended it just now; the transaction is then to be rolled back.
    """
    found = (await connection.execute(_TO_DO, {"host": host})).scalar_one_or_none()
    if found is None:
        return None
    values: dict[str, Any] = {"owner": owner, "owned_until": _FOR, "updated_at": func.clock_timestamp()}
    taken = update(agents).where(agents.c.id == found).values(values).returning(agents)
    agent = agent_from((await connection.execute(taken)).mappings().one())
    command = await _next_command(connection, agent.id)
    if agent.deleted_at is None and command is None:
        raise LostAgentError("nothing is left to do")
    if agent.deleted_at is None:
        executing = update(agents).where(agents.c.id == found).values(status="executing").returning(agents)
        agent = agent_from((await connection.execute(executing)).mappings().one())
    return AgentWork(agent=agent, command=command, owner=owner)


async def keep_work(connection: AsyncConnection, work: AgentWork) -> bool:
    """Holds the lease longer; whether somebody wants the command to end. Raises LostAgentError."""
    await _fenced(connection, work, {"owned_until": _FOR})
    if work.command is None:
        return False
    query = select(commands.c.stopped_by).where(commands.c.id == work.command.id)
    return (await connection.execute(query)).scalar_one() is not None


async def note_work(
    connection: AsyncConnection,
    work: AgentWork,
    *,
    kind: LogKind,
    body: str,
    summary: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Adds to the log while the command is carried out. Raises LostAgentError."""
    await _fenced(connection, work, {})
    number = None if work.command is None else work.command.id
    await write_log(
        connection, work.agent.id, kind=kind, body=body, summary=summary, command_id=number, metadata=metadata
    )


async def keep_facts(connection: AsyncConnection, work: AgentWork, **facts: str | None) -> None:
    """Remembers session, host, place or snapshot. Raises LostAgentError."""
    await _fenced(connection, work, facts)


async def rest_work(connection: AsyncConnection, work: AgentWork, *, seconds: float) -> None:
    """Leaves the command as it is, to be taken up again after a while. Raises LostAgentError."""
    until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    await _fenced(connection, work, {"owned_until": until})


async def end_work(connection: AsyncConnection, work: AgentWork, *, state: CommandState, answer: str) -> None:
    """Ends the command, adds what all its requests used, and tells the orchestrator. Raises LostAgentError."""
    command = work.command
    if command is None:
        raise LostAgentError("there is no command to end")
    used = await _used(connection, work)
    spent = {"input_tokens": int(used.input), "output_tokens": int(used.output)}
    row = await _fenced(connection, work, _released(state) | _added(spent, used))
    values = {"state": state.value, "answer": answer, "ended_at": func.clock_timestamp(), "cost_usd": used.cost_usd}
    await connection.execute(update(commands).where(commands.c.id == command.id).values(values | spent))
    kind: LogKind = "answer" if state is CommandState.DONE else "notice"
    about = {"state": state.value, "costUsd": str(used.cost_usd)}
    await write_log(connection, work.agent.id, kind=kind, body=answer, command_id=command.id, metadata=about)
    orchestrator_id: UUID = row["orchestrator_agent_id"]
    await update_orchestrator_costs(connection, orchestrator_id, **spent, cost_usd=used.cost_usd)
    if state is not CommandState.INTERRUPTED and row["deleted_at"] is None:
        await _tell(connection, work.agent, command, state=state, answer=answer)
    await announce_agent(connection, work.agent.id)


async def end_removal(connection: AsyncConnection, work: AgentWork, *, kept_as: str | None) -> None:
    """The files of a deleted agent are gone, what was in them is kept. Raises LostAgentError."""
    values = {"owner": None, "owned_until": None, "host": None, "place": None, "kept_as": kept_as}
    await _fenced(connection, work, values)
    said = "its files are removed" if kept_as is None else f"its files are removed; what it had changed is {kept_as}"
    await write_log(connection, work.agent.id, kind="notice", body=said)


async def give_work_back(connection: AsyncConnection, work: AgentWork) -> None:
    """Lets another worker go on at once. What was lost already is not ours to give."""
    mine = (agents.c.id == work.agent.id, agents.c.owner == work.owner)
    given = update(agents).where(*mine).values(owner=None, owned_until=None).returning(agents.c.id)
    if (await connection.execute(given)).first() is None:
        return
    if work.command is not None:  # nobody died of it: this attempt is not counted
        running = (commands.c.id == work.command.id, commands.c.state == "executing")
        await connection.execute(update(commands).where(*running).values(attempt=commands.c.attempt - 1))
    await announce_agent(connection, work.agent.id)


async def open_agent_account(
    connection: AsyncConnection, work: AgentWork, *, budget_usd: Decimal
) -> tuple[str, Decimal]:
    """The agent's account for this month, within that of its orchestrator, and what is left on it, in US dollars.

    What a dead worker reserved for this command and never settled counts as spent.
    """
    whole = await account_of(connection, work.agent.orchestrator_agent_id)
    name = f"agent:{work.agent.id}:{whole.rpartition(':')[2]}"
    await open_part(connection, name, of=whole, budget_usd=budget_usd)
    if work.command is not None and work.command.attempt > 1:
        await book_orphans(connection, adw_id=name)
    left = await remaining(connection, name)
    return name, budget_usd if left is None else left


async def _next_command(connection: AsyncConnection, agent_id: UUID) -> AgentCommand | None:
    first = (
        select(commands.c.id)
        .where(commands.c.agent_id == agent_id, commands.c.state.in_(OPEN_STATES))
        .order_by(commands.c.state != CommandState.EXECUTING.value, commands.c.id)
        .limit(1)
    )
    values = {"state": "executing", "attempt": commands.c.attempt + 1, "taken_at": func.clock_timestamp()}
    taken = update(commands).where(commands.c.id == first.scalar_subquery()).values(values).returning(commands)
    row = (await connection.execute(taken)).mappings().first()
    return None if row is None else command_from(row)


async def _fenced(connection: AsyncConnection, work: AgentWork, values: Mapping[str, Any]) -> RowMapping:
    statement = (
        update(agents)
        .where(agents.c.id == work.agent.id, agents.c.owner == work.owner)
        .values(**values, updated_at=func.clock_timestamp())
        .returning(agents)
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise LostAgentError(f"agent {work.agent.name} is held by another worker now")
    return row


def _released(state: CommandState) -> dict[str, Any]:
    ended = func.coalesce(func.nullif(agents.c.status, "executing"), _AFTER[state].value)
    return {"owner": None, "owned_until": None, "status": ended}


def _added(spent: Mapping[str, int], used: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    added: dict[str, Any] = {name: agents.c[name] + count for name, count in spent.items()}
    if used.context is not None:
        added["context_tokens"] = used.context
    return added | {"total_cost": agents.c.total_cost + used.cost_usd}


async def _used(connection: AsyncConnection, work: AgentWork) -> Row[*tuple[Any, ...]]:
    """Sums over all requests of the command, whichever worker made them, on whichever month's account."""
    prompt = requests.c.input_tokens + requests.c.cache_read_tokens + requests.c.cache_write_tokens
    months = text(
        "adw_id IN (SELECT 'agent:' || :agent || ':' || to_char(month, 'YYYY-MM') FROM generate_series("
        "date_trunc('month', CAST(:begun AS timestamptz), 'UTC') AT TIME ZONE 'UTC',"
        " now() AT TIME ZONE 'UTC', interval '1 month') AS month)"
    ).bindparams(agent=str(work.agent.id), begun=work.command.created_at if work.command else None)
    query = select(
        func.coalesce(func.sum(prompt), 0).label("input"),
        func.coalesce(func.sum(requests.c.output_tokens), 0).label("output"),
        func.coalesce(func.sum(requests.c.cost_usd), 0).label("cost_usd"),
        func.max(prompt + requests.c.output_tokens).label("context"),
    )
    mine = (months, requests.c.agent_run_id == work.run_id, requests.c.state == "settled")
    return (await connection.execute(query.where(*mine))).one()


async def _tell(
    connection: AsyncConnection, agent: FreeAgent, command: AgentCommand, *, state: CommandState, answer: str
) -> None:
    """An item of the orchestrator's inbox, unless nothing is to wake it."""
    woken = select(orchestrators.c.wake).where(orchestrators.c.id == agent.orchestrator_agent_id)
    if not (await connection.execute(woken)).scalar_one():
        return
    values = {
        "orchestrator_agent_id": agent.orchestrator_agent_id,
        "kind": "event",
        "author": "agents",
        "body": f"command {command.id} is {state.value}: {one_line(answer)}",
        "adw_id": f"agent {agent.name}",
        "event_seq": command.id,
    }
    await connection.execute(insert(inbox).values(values))
    await announce(connection, agent.orchestrator_agent_id)
