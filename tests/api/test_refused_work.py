"""Work the API refuses, and what it says when something below it fails."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from tests.api.problem import body, problem_of
from tests.api.stage import WORKFLOWS, Stage, client_of

from adw.store.db import Database


class TestWork:
    @pytest.mark.parametrize(
        ("changes", "hint"),
        [
            ({"workflowType": "plan-biuld"}, "plan-build"),
            ({"project": "/nowhere/at/all"}, "project list"),
            ({"project": "unknown"}, "project list"),
            ({"project": "../../etc"}, "project list"),
            ({"project": "~root"}, "home folder"),
            ({"project": "~"}, "home folder"),
            ({"project": "/" + "x" * 300}, "absolute path"),
            ({"prompt": None}, "adw run"),
            ({"issueNumber": 1}, "adw run"),
            ({"prompt": "   "}, "adw run"),
        ],
    )
    async def test_what_cannot_be_done_is_refused_with_a_way_out(
        self, stage: Stage, changes: dict[str, Any], hint: str
    ):
        known = {} if "project" in changes else {"project": str(stage.repository)}
        answer = await stage.http.post(WORKFLOWS, json=body(**known, **changes))
        assert hint in problem_of(answer, status=409, code="usage")["hint"]
        assert (await stage.http.get(WORKFLOWS)).json()["workflows"] == []

    async def test_a_folder_without_a_repository_is_refused(self, stage: Stage):
        folder = stage.root / "empty"
        folder.mkdir()
        answer = await stage.http.post(WORKFLOWS, json=body(project=str(folder)))
        problem_of(answer, status=409, code="usage")

    async def test_an_issue_that_does_not_exist_is_not_found(self, stage: Stage):
        answer = await stage.http.post(WORKFLOWS, json=body(project=str(stage.repository), prompt=None, issueNumber=9))
        problem_of(answer, status=404, code="not_found")

    async def test_a_closed_issue_is_a_conflict(self, stage: Stage):
        workflow = await stage.work()
        await stage.http.post(f"{WORKFLOWS}/{workflow.adw_id}/cancel")
        await stage.http.post(f"/api/projects/{workflow.project_id}/issues/1/close")
        answer = await stage.http.post(WORKFLOWS, json=body(project=str(stage.repository), prompt=None, issueNumber=1))
        problem_of(answer, status=409, code="issue_closed")


async def test_a_defect_is_a_plain_problem_that_tells_nothing(stage: Stage):
    object.__setattr__(stage.services.intake, "workspaces", None)
    with structlog.testing.capture_logs() as logs:
        async with client_of(stage.app, reraise=False) as client:
            answer = await client.post(WORKFLOWS, json=body(project=str(stage.repository)))
    problem = problem_of(answer, status=500, code="internal")
    assert "NoneType" not in answer.text
    assert "log" in problem["detail"]
    assert [log["event"] for log in logs] == ["request_crashed"]


async def test_without_a_database_every_answer_says_so(stage: Stage):
    gone = Database("postgresql://nobody@/nothing?host=/nonexistent")
    object.__setattr__(stage.services, "database", gone)
    answer = await stage.http.get(WORKFLOWS)
    assert "DATABASE_URL" in problem_of(answer, status=503, code="database")["hint"]
    ready = await stage.http.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["database"]["ok"] is False
    await gone.close()
