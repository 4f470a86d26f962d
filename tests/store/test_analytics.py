from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert

from adw.domain.usage import Tokens, Usage
from adw.store import analytics
from adw.store.analytics import CostBy
from adw.store.tables.usage import model_requests

MAY = datetime(2026, 5, 1, 23, 30, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


async def request(connection: Any, adw_id: str, **fields: Any) -> None:
    known = {
        "id": uuid4(),
        "adw_id": adw_id,
        "agent_run_id": "run",
        "phase": "build",
        "attempt": 1,
        "role": "implementor",
        "model": "m",
        "stream": True,
        "max_tokens": 1,
        "state": "settled",
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": Decimal(1),
        "started_at": MAY,
        "ended_at": MAY,
    }
    await connection.execute(insert(model_requests).values(known | fields))


@pytest.fixture
async def spent(database, make_workflow) -> tuple[str, str]:
    """Two workflows and a chat; one request without a price, one refused, one under way."""
    first = await make_workflow()
    second = await make_workflow(issue_number=2, issue_title="Other", workflow_type="plan-build")
    async with database.begin() as connection:
        await request(connection, first.adw_id, phase="plan", role="planner", cache_read_tokens=7)
        await request(connection, first.adw_id, attempt=2, agent_run_id="again", inexact=True)
        await request(connection, second.adw_id, model="new", cost_usd=None, started_at=JUNE)
        await request(connection, second.adw_id, cost_usd=Decimal("0.5"))
        await request(connection, second.adw_id, state="refused", refusal="budget", cost_usd=0)
        open_request = {"state": "reserved", "cost_usd": None, "reserved_usd": Decimal(4), "ended_at": None}
        await request(connection, "chat", phase="chat", role="orchestrator", started_at=JUNE, **open_request)
    return first.adw_id, second.adw_id


EXPECTED = {
    CostBy.KIND: [(None, 4), ("plan-build-test", 2), ("plan-build", None)],
    CostBy.PHASE: [("chat", 4), ("build", None), ("plan", 1)],
    CostBy.ROLE: [("orchestrator", 4), ("implementor", None), ("planner", 1)],
    CostBy.MODEL: [("m", Decimal("6.5")), ("new", None)],
    CostBy.PROJECT: [(None, 4), ("tally-0a1b2c3d", None)],
    CostBy.DAY: [("2026-05-01", Decimal("2.5")), ("2026-06-01", None)],
}


@pytest.mark.parametrize("by", [each for each in CostBy if each is not CostBy.WORKFLOW])
async def test_costs_are_summed_by_every_measure_and_unknown_where_a_price_is(database, spent, by: CostBy):
    async with database.read() as connection:
        groups = await analytics.cost_by(connection, by)
    assert [(each.key, each.usage.cost_usd) for each in groups] == EXPECTED[by]


async def test_a_workflow_is_told_with_its_title_and_what_is_known_of_its_cost(database, spent):
    first, second = spent
    async with database.read() as connection:
        chat, one, two = await analytics.cost_by(connection, CostBy.WORKFLOW)
    assert [each.key for each in (chat, one, two)] == ["chat", first, second]
    assert (chat.label, chat.workflows, two.label, two.workflows) == (None, 0, "Other", 1)
    assert (two.usage.cost_usd, two.known_usd, two.unpriced, two.usage.requests) == (None, Decimal("0.5"), 1, 2)
    assert (one.inexact, one.usage.tokens) == (1, Tokens(input=20, output=10, cache_read=7))


async def test_the_total_counts_everything_since_a_moment(database, spent):
    async with database.read() as connection:
        everything = await analytics.cost_in_all(connection)
        later = await analytics.cost_in_all(connection, since=JUNE)
        nothing = await analytics.cost_in_all(connection, since=datetime(2027, 1, 1, tzinfo=UTC))
        days = await analytics.cost_by(connection, CostBy.DAY, since=JUNE)
        dearest = await analytics.cost_by(connection, CostBy.WORKFLOW, limit=1)
        latest = await analytics.cost_by(connection, CostBy.DAY, limit=1)
    assert (everything.known_usd, everything.usage.requests, everything.workflows) == (Decimal("6.5"), 5, 2)
    assert everything.usage.cost_usd is None
    assert (later.usage.requests, later.unpriced) == (2, 1)
    assert nothing.usage == Usage()
    assert [each.key for each in days] == ["2026-06-01"] == [each.key for each in latest]
    assert [each.key for each in dearest] == ["chat"]


async def test_use_is_told_by_attempt_and_by_conversation(database, spent):
    first, second = spent
    async with database.read() as connection:
        attempts = await analytics.usage_by_attempt(connection, first)
        conversations = await analytics.usage_by_conversation(connection, first)
        unpriced = await analytics.usage_by_conversation(connection, second)
    assert {key: used.cost_usd for key, used in attempts.items()} == {("plan", 1): 1, ("build", 2): 1}
    assert conversations.keys() == {"run", "again"}
    assert (unpriced["run"].cost_usd, unpriced["run"].requests) == (None, 2)
