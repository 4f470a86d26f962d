"""What the gateway has to tell about a conversation, as notices in it: there is no workflow whose events they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.budget import BudgetScope, BudgetWarning
from adw.domain.failover import ModelReplaced
from adw.store.chat import lock_orchestrator, write_entry
from adw.store.tables.free_agents import free_agents as agents

_CONVERSATION, _AGENT = "chat:", "agent:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The orchestrator whose conversation tells of an account; `agent` is set for that of an agent of its own."""

    orchestrator_id: UUID
    agent: str | None = None


async def reader_of(connection: AsyncConnection, account: str) -> Reader | None:
    """None for accounts of workflows, which have events of their own."""
    kind, _, rest = account.partition(":")
    try:
        known = UUID(rest.partition(":")[0])
    except ValueError:
        return None
    if f"{kind}:" == _CONVERSATION:
        return Reader(orchestrator_id=known)
    if f"{kind}:" != _AGENT:
        return None
    query = select(agents.c.orchestrator_agent_id, agents.c.name).where(agents.c.id == known)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Reader(orchestrator_id=row.orchestrator_agent_id, agent=row.name)


async def tell_of_budget(connection: AsyncConnection, warning: BudgetWarning, *, reader: Reader) -> None:
    """Most of a budget is spent: a line that everybody sees who reads the conversation."""
    percent = 100 * warning.spent_usd / warning.budget_usd if warning.budget_usd else 100
    words = f"${warning.spent_usd:.2f} of the {_which(warning, reader)}, ${warning.budget_usd:.2f}, are spent"
    about = {
        "notice": "budget_warning",
        "scope": warning.scope.value,
        "spentUsd": str(warning.spent_usd),
        "budgetUsd": str(warning.budget_usd),
    }
    await _tell(connection, reader, f"{words} ({percent:.0f} %).{_advice(warning, reader)}", about)


async def tell_of_model(connection: AsyncConnection, replaced: ModelReplaced, *, reader: Reader) -> None:
    """Another model answers in place of the one asked for."""
    about = {"notice": "model_replaced", "model": replaced.model, "replacedBy": replaced.fallback}
    await _tell(connection, reader, replaced.words, about)


def _which(warning: BudgetWarning, reader: Reader) -> str:
    if warning.scope is not BudgetScope.WORKFLOW:
        return warning.scope.words
    whose = "this conversation" if reader.agent is None else f"agent {reader.agent}"
    return f"budget of {whose} for the month"


def _advice(warning: BudgetWarning, reader: Reader) -> str:
    if warning.scope is not BudgetScope.WORKFLOW:
        return " See `adw budget list`."
    return " Raise it with `adw chat --budget USD`." if reader.agent is None else ""


async def _tell(connection: AsyncConnection, reader: Reader, words: str, about: Mapping[str, str]) -> None:
    await lock_orchestrator(connection, reader.orchestrator_id)
    await write_entry(connection, reader.orchestrator_id, kind="notice", message=words, turn_id=None, metadata=about)
