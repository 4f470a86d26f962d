"""Figures about everything there is, for whoever watches the server from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.notifications import DeliveryState
from adw.domain.status import Status
from adw.store.tables.notifications import deliveries
from adw.store.tables.usage import model_requests, workflow_budgets
from adw.store.tables.workflows import workflows
from adw.store.workers import holds_lease, live_workers


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What was asked of one model."""

    requests: int
    input_tokens: int
    output_tokens: int
    cache_write_tokens: int
    cache_read_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A look at everything. `cost_usd` is what is known of it."""

    workflows: Mapping[Status, int]
    oldest_queued_s: float
    events: int
    cost_usd: Decimal
    models: Mapping[str, ModelFigures]
    workers: int
    messages: Mapping[str, int]
    """Notifications that are on their way (`open`), and those that were given up (`failed`)."""


async def read_figures(connection: AsyncConnection) -> Figures:
    """Events are counted by the workflows' last numbers, so that the look stays cheap however many there are."""
    by_status = select(workflows.c.status, func.count(), func.coalesce(func.sum(workflows.c.last_seq), 0))
    rows = (await connection.execute(by_status.group_by(workflows.c.status))).all()
    counted = {Status(status): int(count) for status, count, _ in rows}
    waited = func.extract("epoch", func.clock_timestamp() - func.min(workflows.c.queued_at))
    oldest = select(func.coalesce(waited, 0)).where(workflows.c.status == Status.QUEUED.value)
    spent = select(func.coalesce(func.sum(workflow_budgets.c.spent_usd), 0))
    live = [worker for worker in await live_workers(connection) if worker.drained_at is None]
    return Figures(
        workflows={status: counted.get(status, 0) for status in Status},
        oldest_queued_s=float((await connection.execute(oldest)).scalar_one()),
        events=sum(int(events) for _, _, events in rows),
        cost_usd=Decimal((await connection.execute(spent)).scalar_one()),
        models=await _by_model(connection),
        workers=sum([await holds_lease(connection, worker_id=worker.id) for worker in live]),
        messages=await _messages(connection),
    )


async def _messages(connection: AsyncConnection) -> dict[str, int]:
    """Two looks that an index answers each, however many have arrived."""
    states = {
        "open": (DeliveryState.WAITING.value, DeliveryState.SENDING.value),
        "failed": (DeliveryState.FAILED.value,),
    }
    count = select(func.count()).select_from(deliveries)
    return {
        name: (await connection.execute(count.where(deliveries.c.state.in_(each)))).scalar_one()
        for name, each in states.items()
    }


async def _by_model(connection: AsyncConnection) -> dict[str, ModelFigures]:
    asked = model_requests.c
    query = (
        select(
            asked.model,
            func.count().label("requests"),
            func.sum(asked.input_tokens).label("input_tokens"),
            func.sum(asked.output_tokens).label("output_tokens"),
            func.sum(asked.cache_write_tokens).label("cache_write_tokens"),
            func.sum(asked.cache_read_tokens).label("cache_read_tokens"),
        )
        .group_by(asked.model)
        .order_by(asked.model)
    )
    rows = (await connection.execute(query)).mappings()
    return {
        str(row["model"]): ModelFigures(
            requests=int(row["requests"]),
            input_tokens=int(row["input_tokens"]),
            output_tokens=int(row["output_tokens"]),
            cache_write_tokens=int(row["cache_write_tokens"]),
            cache_read_tokens=int(row["cache_read_tokens"]),
        )
        for row in rows
    }
