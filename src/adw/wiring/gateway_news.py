"""What the gateway has to tell, passed on to where people look: a workflow's events, else a conversation."""

from __future__ import annotations

from adw.domain.budget import BudgetWarning
from adw.domain.events import EventType, NewEvent
from adw.domain.failover import ModelReplaced
from adw.store import chat_notices
from adw.store.db import Database
from adw.store.events import append_event


async def tell_of_warning(database: Database, warning: BudgetWarning) -> None:
    async with database.begin() as connection:
        reader = await chat_notices.reader_of(connection, warning.adw_id)
        if reader is None:
            await append_event(connection, warning.adw_id, _budget_event(warning))
        else:
            await chat_notices.tell_of_budget(connection, warning, reader=reader)


async def tell_of_replacement(database: Database, replaced: ModelReplaced) -> None:
    async with database.begin() as connection:
        reader = await chat_notices.reader_of(connection, replaced.adw_id)
        if reader is None:
            await append_event(connection, replaced.adw_id, _replacement_event(replaced))
        else:
            await chat_notices.tell_of_model(connection, replaced, reader=reader)


def _budget_event(warning: BudgetWarning) -> NewEvent:
    message = f"${warning.spent_usd:.2f} of the {warning.scope.words}, ${warning.budget_usd:.2f}, are spent"
    data = {
        "scope": warning.scope.value,
        "spentUsd": str(warning.spent_usd),
        "budgetUsd": str(warning.budget_usd),
    }
    return NewEvent(type=EventType.BUDGET_WARNING, message=message, data=data)


def _replacement_event(replaced: ModelReplaced) -> NewEvent:
    data = {
        "role": replaced.role,
        "model": replaced.model,
        "replacedBy": replaced.fallback,
        "reason": replaced.reason.value,
        "agentRunId": replaced.agent_run_id,
    }
    return NewEvent(type=EventType.WORKFLOW_UPDATED, phase=replaced.phase, message=replaced.words, data=data)
