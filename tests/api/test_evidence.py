from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
from tests.api.stage import WORKFLOWS, Stage

from adw.domain.budget import Claim, Settlement
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.testing import ReportFormat, TestReport, TestResult, TestStatus, Unparseable, encode_run
from adw.domain.usage import Tokens
from adw.store import phases, usage
from adw.store.results import save_artifact


def result(test_id: str, *, status: TestStatus = TestStatus.FAILED, error: str | None = "boom") -> TestResult:
    return TestResult(
        test_id=test_id, test_name=test_id, status=status, error=error, execution_command=f"pytest {test_id}"
    )


def report(*results: TestResult) -> bytes:
    run = TestReport(command="pytest", exit_code=1, format=ReportFormat.JUNIT, results=results)
    return orjson.dumps(encode_run(run))


async def keep(stage: Stage, adw_id: str, name: str, content: bytes) -> None:
    async with stage.database.begin() as connection:
        await save_artifact(connection, adw_id=adw_id, name=name, media_type="application/json", content=content)


async def find(stage: Stage, adw_id: str, *, commit: str = "c" * 40, gate: str = "tests", **data: Any) -> None:
    found = Evidence(gate=gate, outcome=GateOutcome.FAILED, commit=commit, summary="red", data=data)
    async with stage.database.begin() as connection:
        await phases.record_evidence(connection, adw_id=adw_id, phase="test", attempt=1, found=found)


async def listed(stage: Stage, adw_id: str) -> list[dict[str, Any]]:
    return (await stage.http.get(f"{WORKFLOWS}/{adw_id}/evidence")).json()["evidence"]


async def test_a_failed_gate_names_its_report_and_the_tests_with_their_errors(stage: Stage):
    adw_id = (await stage.work()).adw_id
    content = report(
        result("old"), result("new", error="a\nb"), result("fine", status=TestStatus.PASSED, error=None), result("rest")
    )
    await keep(stage, adw_id, "tests-test-1-0.json", content)
    await find(stage, adw_id, regressions=["new", "unknown"], preexisting=["old"], flaky=[])
    (found,) = await listed(stage, adw_id)
    assert found["artifact"] == "tests-test-1-0.json"
    told = [(each["kind"], each["testId"], each["error"], each["command"]) for each in found["failures"]]
    assert told == [
        ("regression", "new", "a\nb", "pytest new"),
        ("regression", "unknown", None, None),
        ("preexisting", "old", "boom", "pytest old"),
        ("failed", "rest", "boom", "pytest rest"),
    ]
    assert found["failureCount"] == 4


async def test_each_round_rests_on_the_report_that_was_there_when_it_was_judged(stage: Stage):
    adw_id = (await stage.work()).adw_id
    for number, commit in enumerate("ab"):
        await keep(stage, adw_id, f"tests-test-1-{number}.json", report(result(f"t{number}")))
        await find(stage, adw_id, commit=commit * 40, regressions=[f"t{number}"])
    await keep(stage, adw_id, "tests-test-10-0.json", b"{}")
    found = await listed(stage, adw_id)
    assert [each["artifact"] for each in found] == ["tests-test-1-0.json", "tests-test-1-1.json"]
    assert [each["failures"][0]["error"] for each in found] == ["boom", "boom"]


async def test_a_gate_named_like_its_phase_is_named_once_in_its_report(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await keep(stage, adw_id, "test-1-0.json", b"{}")
    await find(stage, adw_id, gate="test")
    await find(stage, adw_id, gate="tests")
    assert [each["artifact"] for each in await listed(stage, adw_id)] == ["test-1-0.json", None]


async def test_evidence_may_name_its_report_itself(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await keep(stage, adw_id, "other.json", b"{}")
    await find(stage, adw_id, gate="e2e", report="other.json")
    await find(stage, adw_id, gate="lint", report="missing.json")
    assert [each["artifact"] for each in await listed(stage, adw_id)] == ["other.json", None]


async def test_a_report_nobody_can_read_leaves_the_names(stage: Stage):
    adw_id = (await stage.work()).adw_id
    run = Unparseable(command="pytest", exit_code=2, format=ReportFormat.JUNIT, reason="it is empty")
    for number, content in enumerate([b"not json", b"[]", orjson.dumps(encode_run(run))]):
        await keep(stage, adw_id, f"tests-test-1-{number}.json", content)
        await find(stage, adw_id, commit=str(number) * 40, regressions=["a"])
    for found in await listed(stage, adw_id):
        assert found["failures"] == [{"testId": "a", "kind": "regression", "error": None, "command": None}]


async def test_long_lists_and_errors_are_cut_and_counted(stage: Stage):
    adw_id = (await stage.work()).adw_id
    results = [result(f"t{number}", error="line\n" * 100) for number in range(60)]
    await keep(stage, adw_id, "tests-test-1-0.json", report(*results))
    await find(stage, adw_id, regressions=[each.test_id for each in results])
    (found,) = await listed(stage, adw_id)
    assert (len(found["failures"]), found["failureCount"]) == (50, 60)
    assert found["failures"][0]["error"].endswith("line…")


async def test_attempts_tell_what_they_used(stage: Stage):
    adw_id = (await stage.work()).adw_id
    claim = Claim(
        id=uuid4(),
        adw_id=adw_id,
        agent_run_id="run",
        phase="plan",
        attempt=2,
        role="planner",
        model="m",
        stream=False,
        max_tokens=10,
        input_usd=Decimal("0.01"),
        output_usd_per_token=Decimal("0.001"),
    )
    async with stage.database.begin() as connection:
        for attempt in (1, 2):
            await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=attempt, commit_before=None)
        await usage.reserve(connection, claim)
        settled = Settlement(state="settled", cost_usd=Decimal("0.5"), tokens=Tokens(input=3, cache_read=4, output=5))
        await usage.settle(connection, claim.id, adw_id=adw_id, settlement=settled)
    first, second = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/phases")).json()["phases"]
    assert first["usage"] == {"requests": 0, "inputTokens": 0, "outputTokens": 0, "costUsd": 0}
    assert second["usage"] == {"requests": 1, "inputTokens": 7, "outputTokens": 5, "costUsd": 0.5}
    (plan, *_) = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()["phases"]
    assert (plan["requests"], plan["inputTokens"], plan["outputTokens"], plan["costUsd"]) == (1, 7, 5, 0.5)
