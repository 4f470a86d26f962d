from __future__ import annotations

from decimal import Decimal

import pytest
from tests.api.stage import WORKFLOWS, Stage

from adw.domain.agent import AgentResult
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.usage import Tokens, Usage
from adw.store import phases
from adw.store.agent_outputs import create_agent_output, finish_agent_output
from adw.store.results import save_artifact


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
    assert (second["attempt"], second["status"], second["durationMs"]) == (2, "running", None)


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


class TestDiff:
    async def test_without_commits_it_is_empty(self, stage: Stage):
        workflow = await stage.work()
        for head in (None, workflow.base_sha):
            await stage.change(workflow.adw_id, head_sha=head)
            answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
            assert (answer.status_code, answer.text) == (200, "")

    async def test_with_a_pull_request_it_is_the_pull_requests(self, stage: Stage):
        workflow = await stage.work()
        await stage.pull(workflow, files={"date.txt": "täglich\n"})
        answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
        assert "+täglich" in answer.text
        assert answer.headers["content-type"] == "text/x-diff; charset=utf-8"

    async def test_commits_nobody_offers_yet_are_a_conflict(self, stage: Stage):
        workflow = await stage.work()
        await stage.change(workflow.adw_id, head_sha="d" * 40)
        answer = await stage.http.get(f"{WORKFLOWS}/{workflow.adw_id}/diff")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


class TestArtifacts:
    async def test_they_are_listed_and_given_byte_by_byte(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        async with stage.database.begin() as connection:
            digest = await save_artifact(
                connection, adw_id=adw_id, name="test/report ü.xml", media_type="text/xml", content=b"\x00<x/>"
            )
        (listed,) = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/artifacts")).json()["artifacts"]
        assert (listed["name"], listed["mediaType"], listed["size"]) == ("test/report ü.xml", "text/xml", 5)
        answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/artifacts/test/report%20%C3%BC.xml")
        assert answer.content == b"\x00<x/>"
        assert answer.headers["etag"] == f'"{digest}"'
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''report%20%C3%BC.xml"

    @pytest.mark.parametrize("kind", ["text/html\r\nX-Evil: 1", "", "html", "text/html; charset=utf-8"])
    async def test_what_an_agent_made_is_never_run_by_a_browser(self, stage: Stage, kind: str):
        adw_id = (await stage.work()).adw_id
        async with stage.database.begin() as connection:
            await save_artifact(connection, adw_id=adw_id, name='a"b', media_type=kind, content=b"<script>")
        answer = await stage.http.get(f'{WORKFLOWS}/{adw_id}/artifacts/a"b')
        assert "x-evil" not in answer.headers
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        expected = kind if kind.endswith("utf-8") else "application/octet-stream"
        assert answer.headers["content-type"] == expected
