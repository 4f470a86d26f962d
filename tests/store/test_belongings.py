from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.budget import Claim, Settlement
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.usage import Tokens
from adw.store import phases, usage
from adw.store.accounts import account_of
from adw.store.belongings import belongings_of
from adw.store.messages import leave_message

COST = Decimal("0.123457")


async def ask_a_model(connection: AsyncConnection, adw_id: str, phase: str, *, cost_usd: Decimal | None = COST) -> None:
    claim = Claim(
        id=uuid4(),
        adw_id=adw_id,
        agent_run_id="run",
        phase=phase,
        attempt=1,
        role="planner",
        model="m",
        stream=True,
        max_tokens=10,
        input_usd=Decimal(1),
        output_usd_per_token=Decimal("0.1"),
    )
    await usage.reserve(connection, claim)
    settlement = Settlement(state="settled", tokens=Tokens(input=3, output=4, cache_read=5), cost_usd=cost_usd)
    await usage.settle(connection, claim.id, adw_id=adw_id, settlement=settlement)


async def test_one_look_finds_what_separate_ones_find(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    failure = Failure(failure_class=FailureClass.AGENT_ERROR, message="no end", phase="test")
    async with database.begin() as connection:
        for phase in ("plan", "build", "test"):
            await phases.start_phase(connection, adw_id=adw_id, phase=phase, attempt=1, commit_before="a" * 40)
            found = Evidence(gate="tests", outcome=GateOutcome.PASSED, commit="c", summary="ok", data={"passed": 3})
            await phases.record_evidence(connection, adw_id=adw_id, phase=phase, attempt=1, found=found)
            await ask_a_model(connection, adw_id, phase)
        ended = {"adw_id": adw_id, "phase": "test", "attempt": 1, "status": PhaseStatus.FAILED}
        await phases.end_phase(connection, **ended, failure=failure, data={"rounds": 2})
        await ask_a_model(connection, adw_id, "build", cost_usd=None)
    async with database.begin() as connection:
        await leave_message(connection, adw_id=adw_id, author="ada", body="Mind the gap.")
    async with database.look() as connection:
        found = await belongings_of(connection, adw_id)
        assert list(found.attempts) == await phases.list_phases(connection, adw_id)
        assert list(found.evidence) == await phases.list_evidence(connection, adw_id)
        assert found.used == await usage.usage_by_phase(connection, adw_id)
        assert found.spent_usd == (await account_of(connection, adw_id)).spent_usd == 3 * COST
    assert (found.has_unheard, found.has_approvals, found.has_forks, found.has_clashes) == (True, False, False, False)


async def test_a_new_workflow_has_nothing(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.look() as connection:
        found = await belongings_of(connection, adw_id)
    assert (found.attempts, found.evidence, found.used, found.spent_usd) == ((), (), {}, 0)
