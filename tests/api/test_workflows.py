from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest
from tests.api.stage import WORKFLOWS, Stage

from adw.domain.events import EventType
from adw.domain.failure import Failure, FailureClass
from adw.domain.kinds import KINDS, ON_EARLIER_WORK
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.status import Status
from adw.domain.usage import Tokens
from adw.store import phases, usage
from adw.store.rows import failure_to
from adw.store.usage import Claim, Settlement

WORK = {"prompt": "Fix the date", "workflowType": "plan-build-test"}


async def hand_in(stage: Stage, key: str | None = None, **changes):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"project": str(stage.repository), **WORK, **changes}
    return await stage.http.post(WORKFLOWS, json=body, headers=headers)


class TestHandingIn:
    async def test_work_is_queued_and_answered_with_the_workflow(self, stage: Stage):
        answer = await hand_in(
            stage,
            workflowType="plan_build_test",
            modelSet="heavy",
            budgetUsd=2.5,
            priority=3,
            options={"skipE2e": True, "autoResolve": False, "planApproval": True},
            actor="pat",
        )
        assert answer.status_code == 201, answer.text
        said = answer.json()
        workflow = said["workflow"]
        assert said["success"] is True
        assert said["adwId"] == workflow["adwId"]
        assert workflow["status"] == "queued"
        assert workflow["workflowType"] == "plan-build-test"
        assert (workflow["budgetUsd"], workflow["spentUsd"]) == (2.5, 0)
        assert workflow["options"] == {"skipE2e": True, "autoResolve": False, "planApproval": True, "model": None}
        row = await stage.row(said["adwId"])
        assert row.trigger == {"source": "api", "actor": "pat"}
        assert (row.model_set, row.priority) == ("heavy", 3)

    async def test_an_issue_may_be_named_by_its_number_and_the_project_by_its_name(self, stage: Stage):
        first = (await hand_in(stage)).json()["workflow"]
        await stage.http.post(f"{WORKFLOWS}/{first['adwId']}/cancel")
        again = await hand_in(stage, project="repository", prompt=None, issueNumber=first["issueNumber"])
        assert again.json()["workflow"]["issueNumber"] == first["issueNumber"]
        assert again.json()["workflow"]["projectId"] == first["projectId"]

    async def test_a_dirty_checkout_is_told_in_the_notes(self, stage: Stage):
        (stage.repository / "README.md").write_text("changed\n")
        assert any("uncommitted" in note for note in (await hand_in(stage)).json()["notes"])

    async def test_repeating_a_key_gives_the_workflow_it_gave_before(self, stage: Stage):
        first, second = await hand_in(stage, "a key/with:signs--!"), await hand_in(stage, "a key/with:signs--!")
        assert first.status_code == second.status_code == 422
        first, second = await hand_in(stage, "key/with:signs--!"), await hand_in(stage, "key/with:signs--!")
        assert first.json()["adwId"] == second.json()["adwId"]
        other = await hand_in(stage, "another", prompt="Something else")
        assert other.json()["adwId"] != first.json()["adwId"]
        assert len((await stage.http.get(WORKFLOWS)).json()["workflows"]) == 2

    async def test_a_second_live_workflow_on_an_issue_is_refused_with_the_first_ones_id(self, stage: Stage):
        first = (await hand_in(stage)).json()["workflow"]
        answer = await hand_in(stage, prompt=None, issueNumber=first["issueNumber"])
        assert answer.status_code == 409
        assert answer.json()["code"] == "duplicate_run"
        assert first["adwId"] in answer.json()["detail"]


class TestLooking:
    async def test_a_fresh_workflow_has_every_field_and_nothing_invented(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert [phase["name"] for phase in view["phases"]] == ["plan", "build", "test", "finish"]
        assert view["phases"][0] == {
            "name": "plan",
            "status": "pending",
            "attempts": 0,
            "durationMs": None,
            "costUsd": 0,
            "requests": 0,
            "inputTokens": 0,
            "outputTokens": 0,
        }
        assert view["usage"] == {"requests": 0, "inputTokens": 0, "outputTokens": 0, "costUsd": 0}
        assert view["tests"] == {"before": None, "afterBuild": None, "final": None}
        assert (view["gates"], view["approvals"], view["failure"]) == ([], [], None)
        assert (view["issueTitle"], view["issueNumber"], view["prState"]) == ("Fix the date", 1, "none")
        assert (view["baseBranch"], view["headSha"], view["lastSeq"]) == ("main", None, 2)
        assert (view["budgetUsd"], view["worktreeExists"], view["phase"]) == (None, False, "initialized")

    async def test_phases_tests_gates_costs_and_failure_are_told(self, stage: Stage):
        adw_id = (await stage.work(budget_usd=Decimal(5))).adw_id
        await stage.activate(adw_id)
        await _two_attempts(stage, adw_id)
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id[:5]}")).json()
        plan, build, test, _ = view["phases"]
        assert (plan["status"], plan["attempts"], plan["costUsd"]) == ("completed", 1, 0.25)
        assert (build["status"], build["attempts"]) == ("failed", 2)
        assert build["durationMs"] >= 0
        assert test["status"] == "pending"
        assert view["usage"] == {"requests": 1, "inputTokens": 60, "outputTokens": 20, "costUsd": 0.25}
        assert view["spentUsd"] == 0.25
        assert view["tests"]["before"] == {"passed": 3, "failed": 1, "skipped": 0}
        assert view["gates"] == [
            {"gate": "diff", "phase": "build", "outcome": "passed", "commit": "b" * 40, "summary": "second"}
        ]
        assert view["failure"]["class"] == "gate_failed"
        assert view["failure"]["nextActions"] == [f"adw workflow show {adw_id}", f"adw workflow retry {adw_id}"]
        assert view["failure"]["advice"]

    async def test_tests_are_told_from_the_first_and_the_last_run_on_the_work_wherever_it_was(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        before = {"passed": 1, "failed": 1, "skipped": 0}
        runs = [("test", "a", {"passed": 1, "failed": 1, "skipped": 0}), ("review", "b", {"passed": 3, "failed": 0})]
        async with stage.database.begin() as connection:
            await phases.start_phase(connection, adw_id=adw_id, phase="test", attempt=1, commit_before=None)
            await phases.end_phase(
                connection,
                adw_id=adw_id,
                phase="test",
                attempt=1,
                status=PhaseStatus.COMPLETED,
                data={"before": before},
            )
            for phase, commit, counts in runs:
                found = Evidence(
                    gate="tests", outcome=GateOutcome.PASSED, commit=commit * 40, summary="s", data={"counts": counts}
                )
                await phases.record_evidence(connection, adw_id=adw_id, phase=phase, attempt=1, found=found)
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert view["tests"] == {
            "before": before,
            "afterBuild": runs[0][2],
            "final": {"passed": 3, "failed": 0, "skipped": 0},
        }

    async def test_an_unknown_price_is_null_and_never_nothing(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        await _request(stage, adw_id, cost_usd=None)
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert view["usage"]["costUsd"] is None
        assert view["phases"][0]["costUsd"] is None

    async def test_a_unique_beginning_of_an_id_is_enough_and_an_ambiguous_one_is_refused(self, stage: Stage):
        first = await stage.work()
        assert (await stage.http.get(f"{WORKFLOWS}/{first.adw_id[:3]}")).json()["adwId"] == first.adw_id
        for _ in range(16):
            await stage.work(str(uuid4()))
        ids = [item["adwId"] for item in (await stage.http.get(WORKFLOWS)).json()["workflows"]]
        shared = next(letter for letter in "0123456789abcdef" if sum(adw_id[0] == letter for adw_id in ids) > 1)
        answer = await stage.http.get(f"{WORKFLOWS}/{shared}")
        assert answer.status_code == 409
        assert "give more of it" in answer.json()["hint"]


class TestListing:
    async def test_pages_follow_each_other_without_gap_or_repetition(self, stage: Stage):
        made = [(await stage.work(f"Work {number}")).adw_id for number in range(5)]
        seen, after = [], {}
        while True:
            page = (await stage.http.get(WORKFLOWS, params={"limit": 2, **after})).json()
            seen += [item["adwId"] for item in page["workflows"]]
            if page["nextCursor"] is None:
                break
            after = {"after": page["nextCursor"]}
        assert seen == made[::-1]

    async def test_filters_narrow_the_list(self, stage: Stage):
        one, two = await stage.work("Fix the date"), await stage.work("Paint the shed", kind="plan")
        await stage.activate(one.adw_id)

        async def ids(**params):
            answer = await stage.http.get(WORKFLOWS, params=params)
            assert answer.status_code == 200, answer.text
            return [item["adwId"] for item in answer.json()["workflows"]]

        assert await ids(status="active") == [one.adw_id]
        assert await ids(status="active,queued") == await ids(status=["queued", "active"]) == [two.adw_id, one.adw_id]
        assert await ids(kind="plan_build_test") == [one.adw_id]
        assert await ids(text="shed") == [two.adw_id]
        assert await ids(since=two.created_at.isoformat()) == [two.adw_id]
        assert await ids(since="2999-01-01") == []
        assert await ids(text="\\") == []
        assert await ids(project=one.project_id) == await ids(project="repository") == [two.adw_id, one.adw_id]

    async def test_a_listed_workflow_is_the_row_without_its_details(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        full = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        listed = (await stage.http.get(WORKFLOWS)).json()["workflows"][0]
        assert full.keys() - listed.keys() == {
            "phases",
            "usage",
            "tests",
            "reviewRounds",
            "gates",
            "approvals",
            "forks",
            "unheard",
            "clashes",
        }
        assert listed.items() <= full.items()


class TestActions:
    async def test_pause_resume_and_cancel_stop_and_start_the_work(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        await stage.activate(adw_id)
        paused = await stage.http.post(f"{WORKFLOWS}/{adw_id}/pause", json={"actor": "pat"})
        assert (paused.json()["workflow"]["status"], paused.json()["workflow"]["pausedFrom"]) == ("paused", "active")
        resumed = await stage.http.post(f"{WORKFLOWS}/{adw_id}/resume")
        assert resumed.json()["workflow"]["status"] == "active"
        assert stage.enqueuer.started == [f"{adw_id}.1"]
        cancelled = await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel", json={})
        assert cancelled.json()["workflow"]["status"] == "cancelled"
        assert stage.enqueuer.revoked == [f"{adw_id}.1"]

    async def test_who_did_it_is_in_the_events(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel", json={"actor": "pat"})
        events = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()["events"]
        assert events[-1]["data"]["by"] == "pat"

    async def test_delete_cancels_and_may_be_repeated(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        for _ in range(2):
            answer = await stage.http.delete(f"{WORKFLOWS}/{adw_id}")
            assert answer.json()["workflow"]["status"] == "cancelled"

    async def test_retry_queues_a_failed_workflow_again(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        await stage.activate(adw_id)
        await stage.move(adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
        answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/retry")
        assert (answer.json()["workflow"]["status"], answer.json()["workflow"]["failure"]) == ("queued", None)

    @pytest.mark.parametrize(
        ("status", "action"),
        [
            (Status.QUEUED, "resume"),
            (Status.QUEUED, "retry"),
            (Status.ACTIVE, "resume"),
            (Status.COMPLETED, "pause"),
            (Status.COMPLETED, "cancel"),
            (Status.COMPLETED, "retry"),
            (Status.FAILED, "cancel"),
            (Status.CANCELLED, "pause"),
            (Status.CANCELLED, "resume"),
            (Status.CANCELLED, "retry"),
        ],
    )
    async def test_what_the_state_forbids_is_a_conflict(self, shared: Stage, status: Status, action: str):
        adw_id = (await shared.work()).adw_id
        if status is not Status.QUEUED:
            await shared.activate(adw_id)
        if status not in {Status.QUEUED, Status.ACTIVE}:
            await shared.move(adw_id, status, EventType.WORKFLOW_UPDATED)
        answer = await shared.http.post(f"{WORKFLOWS}/{adw_id}/{action}")
        assert answer.status_code == 409
        assert answer.json()["code"] == "wrong_state"
        assert (await shared.row(adw_id)).status is status

    async def test_many_at_once_leave_one_truth(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        answers = await asyncio.gather(*(stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}
        events = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()["events"]
        assert [event["type"] for event in events].count("workflow_cancelled") == 1


async def test_every_kind_can_be_handed_in(stage: Stage):
    for kind in sorted(KINDS.keys() - ON_EARLIER_WORK):
        assert (await hand_in(stage, workflowType=kind, prompt=f"Do {kind}")).json()["workflow"]["workflowType"] == kind


async def _two_attempts(stage: Stage, adw_id: str) -> None:
    """A plan that went well and cost something, and a build that failed twice."""
    await _request(stage, adw_id, cost_usd=Decimal("0.25"))
    failure = Failure(failure_class=FailureClass.GATE_FAILED, message="the diff is empty", phase="build")
    async with stage.database.begin() as connection:
        await phases.start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
        tests = {"tests": {"passed": 3, "failed": 1, "skipped": 0}}
        await phases.end_phase(
            connection, adw_id=adw_id, phase="plan", attempt=1, status=PhaseStatus.COMPLETED, data=tests
        )
        for attempt, summary, commit in ((1, "first", "a" * 40), (2, "second", "b" * 40)):
            await phases.start_phase(connection, adw_id=adw_id, phase="build", attempt=attempt, commit_before=None)
            found = Evidence(gate="diff", outcome=GateOutcome.PASSED, commit=commit, summary=summary)
            await phases.record_evidence(connection, adw_id=adw_id, phase="build", attempt=attempt, found=found)
            await phases.end_phase(
                connection,
                adw_id=adw_id,
                phase="build",
                attempt=attempt,
                status=PhaseStatus.FAILED,
                failure=failure,
            )
    await stage.move(
        adw_id,
        Status.FAILED,
        EventType.WORKFLOW_FAILED,
        failure=failure_to(failure),
        failure_class=failure.failure_class.value,
    )


async def _request(stage: Stage, adw_id: str, *, cost_usd: Decimal | None) -> None:
    """One request to a model, booked on the plan phase."""
    known = cost_usd is not None
    claim = Claim(
        id=uuid4(),
        adw_id=adw_id,
        agent_run_id="r",
        phase="plan",
        attempt=1,
        role="planner",
        model="m",
        stream=True,
        max_tokens=2000,
        input_usd=Decimal("0.1") if known else None,
        output_usd_per_token=Decimal("0.00001") if known else None,
    )
    tokens = Tokens(input=10, output=20, cache_write=20, cache_read=30)
    async with stage.database.begin() as connection:
        await usage.reserve(connection, claim)
        settled = Settlement(state="settled", tokens=tokens, cost_usd=cost_usd)
        await usage.settle(connection, claim.id, adw_id=adw_id, settlement=settled)
