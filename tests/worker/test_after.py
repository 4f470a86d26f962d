"""After a merge: the base is looked at, people are told, and the merge is taken back when somebody wants that."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.conftest import MakeWorkflow

from adw.control.service import Control
from adw.domain.events import EventType, NewEvent
from adw.domain.forge_checks import Check, CheckState
from adw.domain.status import Status
from adw.store.approvals import list_approvals
from adw.store.db import Database
from adw.store.projects import get_project
from adw.store.watches import claim_due
from adw.store.workflows import require_workflow, transition, update_workflow
from adw.worker.after import AfterMerge

MERGE, BASE = "c" * 40, "b" * 40


@dataclass
class Forge:
    """A forge whose checks are given, and which remembers what was said by its key."""

    checks: dict[str, CheckState]
    log: str = "FAILED test_total\n1 failed"
    said: dict[str, str] = field(default_factory=dict[str, str])
    pulls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def list_checks(self, sha: str) -> list[Check]:
        state = CheckState.PASSED if sha == BASE else self.checks.get(sha)
        return [] if state is None else [Check(id=sha, name="ci", sha=sha, state=state, conclusion="failure")]

    async def check_log(self, _check: Check) -> str:
        return self.log

    async def branch_head(self, _branch: str) -> str:
        return "d" * 40

    async def create_comment(self, number: int, *, body: str, key: str) -> None:
        self.said[f"{number} {key}"] = body

    async def ensure_pull_request(self, **given: Any) -> Any:
        self.pulls.append(given)
        return SimpleNamespace(number=9)


@dataclass
class Access:
    """Access to a project on that forge; commits are only named."""

    of: Forge
    reverted: str | None = "e" * 40
    started: list[str] = field(default_factory=list[str])

    def forge(self, _project: Any) -> Any:
        return self.of

    async def revert(self, _project: Any, *, sha: str, onto: str, message: str) -> str | None:
        assert (sha, onto, bool(message)) == (MERGE, "d" * 40, True)
        return self.reverted

    async def start_branch(self, _project: Any, *, branch: str, sha: str) -> None:
        self.started.append(f"{branch} {sha}")


@pytest.fixture
async def merged(database: Database, make_workflow: MakeWorkflow) -> str:
    """A workflow whose pull request is merged and tidied up."""
    workflow = await make_workflow(branch_name="work", head_sha="a" * 40)
    event = NewEvent(type=EventType.WORKFLOW_UPDATED)
    async with database.begin() as connection:
        for status in (Status.ACTIVE, Status.COMPLETED):
            await transition(connection, workflow.adw_id, to=status, event=event)
        changes = {"pr_number": 2, "pr_state": "merged", "merge_sha": MERGE}
        await update_workflow(connection, workflow.adw_id, changes=changes)
        await connection.exec_driver_sql("UPDATE adw_watches SET stage = 'after'")
    return workflow.adw_id


async def look(database: Database, adw_id: str, access: Access) -> str:
    """Looks once, due or not, and gives the stage afterwards."""
    async with database.begin() as connection:
        await connection.exec_driver_sql("UPDATE adw_watches SET due_at = now()")
        watch = await claim_due(connection, claim="x")
        workflow = await require_workflow(connection, adw_id)
        project = await get_project(connection, workflow.project_id)
    assert watch is not None
    await AfterMerge(database, cast("Any", access), watch=watch, workflow=workflow, project=project).look()
    async with database.read() as connection:
        return str((await connection.exec_driver_sql("SELECT stage FROM adw_watches")).scalar_one())


async def test_a_base_that_stays_green_needs_nothing(database: Database, merged: str):
    access = Access(Forge({MERGE: CheckState.PENDING}))
    assert await look(database, merged, access) == "after"
    access.of.checks[MERGE] = CheckState.PASSED
    assert await look(database, merged, access) == "done"
    assert access.of.said == {}


@pytest.mark.parametrize("fits", [True, False])
async def test_a_merge_that_turned_the_base_red_is_told_and_taken_back_when_somebody_says_so(
    database: Database, merged: str, fits: bool
):
    access = Access(Forge({MERGE: CheckState.FAILED}), reverted="e" * 40 if fits else None)
    for _ in range(2):
        assert await look(database, merged, access) == "after"
    assert sorted(access.of.said) == [f"{number} {merged}:red:{MERGE[:12]}" for number in (1, 2)]
    async with database.read() as connection:
        (asked,) = await list_approvals(connection, adw_id=merged, pending_only=True)
    assert asked.kind == "revert"
    await Control(database=database, enqueuer=cast("Any", None)).decide(str(asked.id), allow=True, actor="ada")
    assert await look(database, merged, access) == "done"
    told = access.of.said[f"2 {merged}:reverting:{MERGE[:12]}"]
    if fits:
        assert access.started == [f"revert-work {'e' * 40}"]
        assert [(pull["head"], pull["base"]) for pull in access.of.pulls] == [("revert-work", "main")]
        assert told == "#9 takes this back."
    else:
        assert access.of.pulls == []
        assert "cannot be taken back" in told


async def test_what_is_no_fault_of_the_merge_is_only_told(database: Database, merged: str):
    access = Access(Forge({MERGE: CheckState.FAILED}, log="The runner has received a shutdown signal."))
    assert await look(database, merged, access) == "done"
    assert len(access.of.said) == 2
    async with database.read() as connection:
        assert await list_approvals(connection, adw_id=merged) == []
