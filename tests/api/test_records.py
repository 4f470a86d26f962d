from __future__ import annotations

from decimal import Decimal

from tests.api.stage import WORKFLOWS, Stage

from adw.domain.agent import AgentResult
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.usage import Tokens, Usage
from adw.store import phases
from adw.store.agent_outputs import create_agent_output, finish_agent_output


async def test_attempts_at_phases_are_listed_with_their_failures(stage: Stage):
    adw_id = (await stage.work()).adw_id
    failure = Failure(failure_class=FailureClass.AGENT_ERROR, message="it gave up", phase="plan")
    async with stage.database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before="a" * 40)
        await phases.end_phase(
            connection,
            adw_id=adw_id,
            phase="plan",
            attempt=1,
            status=PhaseStatus.FAILED,
            failure=failure,
            data={"k": 1},
        )
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=2, commit_before=None)
    first, second = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/phases")).json()["phases"]
    assert (first["status"], first["commitBefore"], first["data"]) == ("failed", "a" * 40, {"k": 1})
    assert first["failure"] == {"class": "agent_error", "message": "it gave up", "phase": "plan"}
    assert first["durationMs"] >= 0
    assert (second["attempt"], second["status"], second["durationMs"], second["summary"]) == (2, "running", None, None)


async def test_conversations_are_listed_with_what_they_gave(stage: Stage):
    adw_id = (await stage.work()).adw_id
    async with stage.database.begin() as connection:
        output = await create_agent_output(connection, adw_id=adw_id, agent_name="planner", phase="plan", model="m")
        result = AgentResult(
            text="done",
            structured={"slug": "fix"},
            session_id="s",
            usage=Usage(requests=2, tokens=Tokens(input=3, output=4), cost_usd=Decimal(0)),
            turns=2,
            duration_ms=5,
            stop_reason="end_turn",
        )
        await finish_agent_output(connection, output_id=output.id, result=result)
    (listed,) = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/outputs")).json()["outputs"]
    assert (listed["agentName"], listed["outputText"], listed["outputJson"]) == ("planner", "done", {"slug": "fix"})
    assert (listed["success"], listed["inputTokens"], listed["turns"]) == (True, 3, 2)


async def test_evidence_is_listed_with_what_was_superseded(stage: Stage):
    adw_id = (await stage.work()).adw_id
    found = Evidence(gate="diff", outcome=GateOutcome.FAILED, commit="c" * 40, summary="empty", data={"files": 0})
    async with stage.database.begin() as connection:
        await phases.record_evidence(connection, adw_id=adw_id, phase="build", attempt=1, found=found)
        await phases.supersede_phases(connection, adw_id=adw_id, names=["build"])
    (listed,) = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/evidence")).json()["evidence"]
    assert (listed["gate"], listed["outcome"], listed["commit"]) == ("diff", "failed", "c" * 40)
    assert (listed["superseded"], listed["data"]) == (True, {"files": 0})
    assert (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()["gates"] == []


async def test_money_is_told_with_the_budget(stage: Stage):
    adw_id = (await stage.work(budget_usd=Decimal("1.5"))).adw_id
    told = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/usage")).json()
    assert (told["budgetUsd"], told["spentUsd"], told["heldUsd"]) == (1.5, 0, 0)
    assert told["usage"]["requests"] == 0
    assert told["byPhase"] == {}
