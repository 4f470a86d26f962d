from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conftest import PROJECT, MakeWorkflow

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.store.db import Database
from adw.store.watches import (
    Clash,
    OpenBranch,
    Watch,
    add_missing,
    claim_due,
    clashes_of,
    find_open,
    hold_claim,
    note_resolved,
    open_branches,
    release,
    requests_of,
    wake_watches,
)
from adw.store.workflows import transition, update_workflow

HEAD = "a" * 40


async def opened(database: Database, make_workflow: MakeWorkflow, *, number: int = 7, **changes: Any) -> Workflow:
    made = await make_workflow(issue_number=number, branch_name=f"branch-{number}", head_sha=HEAD, **changes)
    async with database.begin() as connection:
        return await update_workflow(connection, made.adw_id, changes={"pr_number": number, "pr_state": "draft"})


async def claimed(database: Database, claim: str = "one", *, claim_s: float = 60.0) -> Watch | None:
    async with database.begin() as connection:
        return await claim_due(connection, claim=claim, claim_s=claim_s)


async def put_back(database: Database, watch: Watch, *, after_s: float = 100.0, **changes: Any) -> None:
    async with database.begin() as connection:
        await release(connection, watch, after_s=after_s, **changes)


async def test_an_opened_pull_request_is_due_at_once_and_claimed_by_one(
    database: Database, make_workflow: MakeWorkflow
):
    workflow = await opened(database, make_workflow)
    watch = await claimed(database)
    assert watch is not None
    assert (watch.adw_id, watch.stage, watch.history, watch.quiet) == (workflow.adw_id, "open", {}, 0)
    assert await claimed(database, "two") is None


async def test_what_is_released_is_due_after_its_pause_and_keeps_what_was_written(
    database: Database, make_workflow: MakeWorkflow
):
    await opened(database, make_workflow)
    watch = await claimed(database)
    assert watch is not None
    await put_back(database, watch, after_s=0, seen="digest", quiet=2, history={"rounds": {"checks": 1}})
    again = await claimed(database)
    assert again is not None
    assert (again.seen, again.quiet, again.history) == ("digest", 2, {"rounds": {"checks": 1}})
    await put_back(database, again)
    assert await claimed(database) is None


async def test_a_claim_that_ran_out_is_taken_over_and_counts_no_more(database: Database, make_workflow: MakeWorkflow):
    await opened(database, make_workflow)
    late = await claimed(database, "late", claim_s=0)
    heir = await claimed(database, "heir")
    assert late is not None
    assert heir is not None
    async with database.begin() as connection:
        assert not await hold_claim(connection, late)
        assert await hold_claim(connection, heir)


async def test_whatever_a_delivery_names_wakes_the_watch_it_is_about(database: Database, make_workflow: MakeWorkflow):
    await opened(database, make_workflow, number=7)
    other = await opened(database, make_workflow, number=8)
    async with database.begin() as connection:
        await update_workflow(connection, other.adw_id, changes={"head_sha": "c" * 40})
        told = {
            "number": await wake_watches(connection, project_id=PROJECT, pr_number=7),
            "sha": await wake_watches(connection, project_id=PROJECT, sha="c" * 40),
            "branch": await wake_watches(connection, project_id=PROJECT, branch="branch-8"),
            "base": await wake_watches(connection, project_id=PROJECT, branch="main"),
            "everything": await wake_watches(connection, project_id=PROJECT),
            "unknown": await wake_watches(connection, project_id=PROJECT, pr_number=99),
            "elsewhere": await wake_watches(connection, project_id="other"),
        }
    assert told == {
        "number": 1, "sha": 1, "branch": 1, "base": 2, "everything": 2, "unknown": 0, "elsewhere": 0,
    }  # fmt: skip


async def test_one_that_is_woken_during_a_look_is_due_again_at_once(database: Database, make_workflow: MakeWorkflow):
    await opened(database, make_workflow)
    watch = await claimed(database)
    assert watch is not None
    async with database.begin() as connection:
        await wake_watches(connection, project_id=PROJECT, pr_number=7)
    await put_back(database, watch, after_s=600)
    assert await claimed(database) is not None


async def test_a_merge_leaves_something_to_tidy_up_until_it_is_done(database: Database, make_workflow: MakeWorkflow):
    workflow = await opened(database, make_workflow)
    for _ in range(2):
        async with database.begin() as connection:
            await update_workflow(connection, workflow.adw_id, changes={"pr_state": "merged"})
    watch = await claimed(database)
    assert watch is not None
    assert watch.stage == "over"
    await put_back(database, replace(watch), after_s=0, stage="done")
    assert await claimed(database) is None
    async with database.begin() as connection:
        await update_workflow(connection, workflow.adw_id, changes={"pr_state": "merged"})
    assert await claimed(database) is None


async def test_the_end_of_a_leg_makes_the_watch_due(database: Database, make_workflow: MakeWorkflow):
    workflow = await opened(database, make_workflow)
    watch = await claimed(database)
    assert watch is not None
    await put_back(database, watch)
    event = NewEvent(type=EventType.WORKFLOW_UPDATED)
    async with database.begin() as connection:
        await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=event)
    assert await claimed(database) is None
    async with database.begin() as connection:
        await transition(connection, workflow.adw_id, to=Status.COMPLETED, event=event)
    assert await claimed(database) is not None


async def test_what_older_programs_opened_is_found(database: Database, make_workflow: MakeWorkflow):
    workflow = await opened(database, make_workflow)
    async with database.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM adw_watches")
        assert await add_missing(connection) == 1
        assert await add_missing(connection) == 0
        assert await find_open(connection, project_id=PROJECT, pr_number=7) == workflow.adw_id
        assert await find_open(connection, project_id=PROJECT, pr_number=8) is None


async def test_settled_threads_and_conflicts_are_remembered(database: Database, make_workflow: MakeWorkflow):
    workflow = await opened(database, make_workflow)
    watch = await claimed(database)
    assert watch is not None
    async with database.begin() as connection:
        await note_resolved(connection, workflow.adw_id, ["4"])
        await note_resolved(connection, workflow.adw_id, ["5"])
        await note_resolved(connection, workflow.adw_id, [])
        other = {"ffffffff": {"branch": "other", "files": ["b.py"]}}
        await release(connection, watch, after_s=0, conflicts=["a.py"], forecast=other)
        assert await clashes_of(connection, workflow.adw_id) == [
            Clash(adw_id=None, branch="main", files=("a.py",)),
            Clash(adw_id="ffffffff", branch="other", files=("b.py",)),
        ]
        assert await clashes_of(connection, "ffffffff") == []
        assert await requests_of(connection, workflow.adw_id) == []
    again = await claimed(database)
    assert again is not None
    assert (again.resolved, again.conflicts) == (("4", "5"), ("a.py",))


async def test_other_open_branches_of_the_project_are_known(database: Database, make_workflow: MakeWorkflow):
    first = await opened(database, make_workflow, number=7)
    second = await opened(database, make_workflow, number=8)
    async with database.read() as connection:
        found = await open_branches(connection, project_id=PROJECT, without=first.adw_id)
    assert found == [OpenBranch(adw_id=second.adw_id, branch="branch-8", head_sha=HEAD)]
