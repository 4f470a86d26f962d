"""Turns of conversations: one at a time for each orchestrator, held by a lease on the database's clock.

Whoever holds the lease writes; a worker that lost it can write nothing more, so a turn ends exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.kit.errors import ConflictError
from adw.kit.ids import new_uuid
from adw.store.chat import InboxItem, announce, items_from, write_entry
from adw.store.orchestrators import update_orchestrator_costs
from adw.store.tables.chat import orchestrator_inbox as inbox
from adw.store.tables.orchestrator import orchestrator_agents as agents
from adw.store.tables.usage import model_requests as requests
from adw.store.tables.usage import workflow_budgets as accounts
from adw.store.usage import remaining

LEASE_S = 10.0
MOST_EVENTS = 20
"""Events that are told in one turn."""

_TO_DO = text(
    """
    SELECT mine.id FROM orchestrator_agents AS mine,
    LATERAL (SELECT extract(hour FROM now() AT TIME ZONE mine.quiet_zone) * 60
                    + extract(minute FROM now() AT TIME ZONE mine.quiet_zone) AS minute) AS clock
    WHERE NOT mine.archived AND (
        mine.owner IS NULL OR mine.owned_until < clock_timestamp()
        OR EXISTS (SELECT FROM workers WHERE id = split_part(mine.owner, '#', 1) AND ended_at IS NOT NULL)
    )
    AND EXISTS (
        SELECT FROM orchestrator_inbox AS item
        WHERE item.orchestrator_agent_id = mine.id AND (
            item.state = 'running' OR (item.state = 'waiting' AND (item.kind = 'message' OR (mine.wake AND NOT (
                mine.quiet_from IS NOT NULL AND CASE WHEN mine.quiet_from <= mine.quiet_until
                THEN clock.minute >= mine.quiet_from AND clock.minute < mine.quiet_until
                ELSE clock.minute >= mine.quiet_from OR clock.minute < mine.quiet_until END
            ))))
        )
    )
    ORDER BY mine.updated_at LIMIT 1
    FOR UPDATE OF mine SKIP LOCKED
    """
)


def owner_of(worker_id: str) -> str:
    """A name under which this worker holds one turn; known to be dead as soon as the worker is."""
    return f"{worker_id}#{new_uuid().hex}"


class LostTurnError(ConflictError):
    """Another worker answers in this conversation now"""

    code = "lost_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one worker is to answer now. `id` is its first item; `attempt` counts workers that took it."""

    id: int
    orchestrator_id: UUID
    owner: str
    items: tuple[InboxItem, ...]
    attempt: int
    session_id: str | None
    generation: int
    model: str | None
    budget_usd: Decimal | None

    @property
    def is_asked(self) -> bool:
        """Whether a person has begun it."""
        return any(item.kind == "message" for item in self.items)


async def take_turn(connection: AsyncConnection, *, owner: str) -> Turn | None:
    """The next turn to be held by `owner`: one whose worker was lost, else what a person said, else what happened.

    Raises LostTurnError when another worker has answered it just now; the transaction is then to be rolled back.
    """
    found = (await connection.execute(_TO_DO)).scalar_one_or_none()
    if found is None:
        return None
    values = {
        "owner": owner,
        "owned_until": func.clock_timestamp() + text(f"interval '{LEASE_S} seconds'"),
        "status": "executing",
        "updated_at": func.clock_timestamp(),
    }
    taken = update(agents).where(agents.c.id == found).values(values).returning(agents)
    mine = (await connection.execute(taken)).mappings().one()
    items = await _next_items(connection, found)
    changed = (
        update(inbox)
        .where(inbox.c.id.in_([item.id for item in items]))
        .values(
            state="running",
            turn_id=func.coalesce(inbox.c.turn_id, items[0].id),
            attempt=inbox.c.attempt + 1,
            taken_at=func.clock_timestamp(),
        )
        .returning(inbox)
    )
    running = items_from((await connection.execute(changed)).mappings().all())
    await announce(connection, found)
    return _turn(mine, owner=owner, items=tuple(sorted(running, key=lambda item: item.id)))


async def keep_turn(connection: AsyncConnection, turn: Turn) -> bool:
    """Holds the lease longer; whether somebody wants the turn to end. Raises LostTurnError."""
    until = func.clock_timestamp() + text(f"interval '{LEASE_S} seconds'")
    row = await _fenced(connection, turn, {"owned_until": until})
    return row["interrupted_turn"] == turn.id


async def note(
    connection: AsyncConnection, turn: Turn, *, kind: str, message: str, metadata: Mapping[str, Any] | None = None
) -> None:
    """Adds to the conversation while it is being answered. Raises LostTurnError."""
    await _fenced(connection, turn, {})
    await write_entry(connection, turn.orchestrator_id, kind=kind, message=message, turn_id=turn.id, metadata=metadata)


async def keep_session(connection: AsyncConnection, turn: Turn, session_id: str) -> None:
    """From here on the conversation can be gone on with, unless it was forgotten meanwhile."""
    row = await _fenced(connection, turn, {})
    if row["generation"] == turn.generation:
        changed = update(agents).where(agents.c.id == turn.orchestrator_id).values(session_id=session_id)
        await connection.execute(changed)


async def end_turn(connection: AsyncConnection, turn: Turn, *, state: str, answer: str) -> None:
    """Answers all items of the turn at once, and adds what all its requests used. Raises LostTurnError."""
    used = await _used(connection, turn)
    row = await _fenced(connection, turn, {"owner": None, "owned_until": None, "status": "idle"})
    await write_entry(
        connection,
        turn.orchestrator_id,
        kind="answer",
        message=answer,
        turn_id=turn.id,
        metadata={"state": state, "costUsd": str(used.cost_usd)},
    )
    ended = {"state": state, "ended_at": func.clock_timestamp()}
    await connection.execute(update(inbox).where(inbox.c.turn_id == turn.id, inbox.c.state == "running").values(ended))
    await update_orchestrator_costs(
        connection,
        turn.orchestrator_id,
        input_tokens=int(used.input),
        output_tokens=int(used.output),
        cost_usd=used.cost_usd,
    )
    if used.context is not None and row["generation"] == turn.generation:
        values = {"context_tokens": used.context}
        await connection.execute(update(agents).where(agents.c.id == turn.orchestrator_id).values(values))


async def give_back(connection: AsyncConnection, turn: Turn) -> None:
    """Lets another worker go on at once. One that was lost already is not ours to give."""
    mine = (agents.c.id == turn.orchestrator_id, agents.c.owner == turn.owner)
    given = update(agents).where(*mine).values(owner=None, owned_until=None, status="waiting").returning(agents.c.id)
    if (await connection.execute(given)).first() is None:
        return
    running = (inbox.c.turn_id == turn.id, inbox.c.state == "running")  # nobody died of it: this attempt is not counted
    await connection.execute(update(inbox).where(*running).values(attempt=inbox.c.attempt - 1))
    await announce(connection, turn.orchestrator_id)


async def open_account(
    connection: AsyncConnection, orchestrator_id: UUID, *, budget_usd: Decimal
) -> tuple[str, Decimal]:
    """The account this month's requests are booked on, and what is left on it, in US dollars."""
    name = await account_of(connection, orchestrator_id)
    opened = insert(accounts).values(adw_id=name, budget_usd=budget_usd)
    await connection.execute(
        opened.on_conflict_do_update(
            index_elements=["adw_id"],
            set_={"budget_usd": budget_usd, "warned_at": None},
            where=accounts.c.budget_usd.is_distinct_from(budget_usd),
        )
    )
    left = await remaining(connection, name)
    return name, budget_usd if left is None else left


async def account_of(connection: AsyncConnection, orchestrator_id: UUID) -> str:
    """Each calendar month, in UTC, has its own."""
    month = (await connection.execute(text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')"))).scalar_one()
    return f"chat:{orchestrator_id}:{month}"


async def spent_this_month(connection: AsyncConnection, orchestrator_id: UUID) -> Decimal:
    """What is booked, open reservations included, in US dollars."""
    name = await account_of(connection, orchestrator_id)
    query = select(accounts.c.spent_usd + accounts.c.held_usd).where(accounts.c.adw_id == name)
    return (await connection.execute(query)).scalar_one_or_none() or Decimal(0)


def run_id_of(turn: Turn) -> str:
    """The agent run that its requests are booked under, the same for every worker that takes the turn."""
    return f"chat-{turn.orchestrator_id}-{turn.id}"


async def _used(connection: AsyncConnection, turn: Turn) -> Row[*tuple[Any, ...]]:
    """Sums over all requests of the turn, whichever worker made them; the largest of them is what all of it takes up.

    What a dead worker had reserved and never settled is missing here, not on the account that bounds what is spent.
    """
    prompt = requests.c.input_tokens + requests.c.cache_read_tokens + requests.c.cache_write_tokens
    query = select(
        func.coalesce(func.sum(prompt), 0).label("input"),
        func.coalesce(func.sum(requests.c.output_tokens), 0).label("output"),
        func.coalesce(func.sum(requests.c.cost_usd), 0).label("cost_usd"),
        func.max(prompt + requests.c.output_tokens).label("context"),
    )
    mine = (requests.c.agent_run_id == run_id_of(turn), requests.c.adw_id.startswith(f"chat:{turn.orchestrator_id}:"))
    return (await connection.execute(query.where(*mine, requests.c.state == "settled"))).one()


async def _next_items(connection: AsyncConnection, orchestrator_id: UUID) -> tuple[InboxItem, ...]:
    base = select(inbox).where(inbox.c.orchestrator_agent_id == orchestrator_id).order_by(inbox.c.id)
    steps = (
        base.where(inbox.c.state == "running"),
        base.where(inbox.c.state == "waiting", inbox.c.kind == "message").limit(1),
        base.where(inbox.c.state == "waiting").limit(MOST_EVENTS),
    )
    for query in steps:
        found = items_from((await connection.execute(query)).mappings().all())
        if found:
            return found
    raise LostTurnError("nothing is left to answer")


async def _fenced(connection: AsyncConnection, turn: Turn, values: Mapping[str, Any]) -> RowMapping:
    statement = (
        update(agents)
        .where(agents.c.id == turn.orchestrator_id, agents.c.owner == turn.owner)
        .values(**values, updated_at=func.clock_timestamp())
        .returning(agents)
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None:
        raise LostTurnError(f"turn {turn.id} is held by another worker now")
    return row


def _turn(mine: RowMapping, *, owner: str, items: tuple[InboxItem, ...]) -> Turn:
    return Turn(
        id=items[0].turn_id or items[0].id,
        orchestrator_id=mine["id"],
        owner=owner,
        items=items,
        attempt=items[0].attempt,
        session_id=mine["session_id"],
        generation=mine["generation"],
        model=mine["model"],
        budget_usd=mine["budget_usd"],
    )
