from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import MakeWorkflow

from adw.control.over import record_over, stop_for_good
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import PullRequest
from adw.domain.status import Status, WaitReason
from adw.domain.workflow import Workflow
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.workflows import begin_leg, require_workflow, transition, update_workflow

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MERGED = PullRequest(
    number=2,
    title="Say farewell",
    body="",
    state="merged",
    head_branch="work",
    head_sha="a" * 40,
    base="main",
    author="adw",
    created_at=NOW,
    updated_at=NOW,
    merge_sha="c" * 40,
)
EVENT = NewEvent(type=EventType.WORKFLOW_UPDATED)


class Orders:
    """An engine that only remembers which runs it is to end."""

    def __init__(self) -> None:
        self.revoked: list[str] = []

    async def enqueue(self, *_: Any, **__: Any) -> None:
        raise AssertionError("nothing is to be begun")

    async def revoke(self, _connection: Any, *, run_id: str) -> None:
        self.revoked.append(run_id)


async def at(database: Database, make_workflow: MakeWorkflow, status: Status, **changes: Any) -> Workflow:
    """A workflow with a ready pull request, in this state."""
    made = await make_workflow()
    async with database.begin() as connection:
        await update_workflow(connection, made.adw_id, changes={"pr_number": 2, "pr_state": "ready", **changes})
        if status is not Status.QUEUED:
            await transition(connection, made.adw_id, to=Status.ACTIVE, event=EVENT)
            await begin_leg(connection, made.adw_id)
        if status is Status.WAITING:
            reason = {"wait_reason": WaitReason.QUESTION.value}
            await transition(connection, made.adw_id, to=Status.WAITING, event=EVENT, changes=reason)
        elif status is Status.PAUSED:
            await transition(connection, made.adw_id, to=status, event=EVENT, changes={"paused_from": "active"})
        elif status in {Status.COMPLETED, Status.FAILED}:
            await transition(connection, made.adw_id, to=status, event=EVENT)
        return await require_workflow(connection, made.adw_id)


async def ended(database: Database, adw_id: str, pull: PullRequest, orders: Orders) -> tuple[bool, Workflow]:
    async with database.begin() as connection:
        await record_over(connection, adw_id, pull)
        is_stopped = await stop_for_good(connection, adw_id, enqueuer=orders)
        return is_stopped, await require_workflow(connection, adw_id)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.ACTIVE, Status.WAITING, Status.PAUSED, Status.COMPLETED])
async def test_merged_by_somebody_its_work_is_done_whatever_it_was_doing(
    database: Database, make_workflow: MakeWorkflow, status: Status
):
    workflow, orders = await at(database, make_workflow, status), Orders()
    is_stopped, now = await ended(database, workflow.adw_id, MERGED, orders)
    assert is_stopped
    assert (now.status, now.pr_state, now.merge_sha) == (Status.COMPLETED, "merged", "c" * 40)
    assert orders.revoked == ([f"{workflow.adw_id}.1"] if status in {"active", "waiting", "paused"} else [])


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.QUEUED, Status.CANCELLED),
        (Status.ACTIVE, Status.CANCELLED),
        (Status.WAITING, Status.CANCELLED),
        (Status.PAUSED, Status.CANCELLED),
        (Status.COMPLETED, Status.COMPLETED),
        (Status.FAILED, Status.FAILED),
    ],
)
async def test_closed_by_somebody_what_is_under_way_is_cancelled(
    database: Database, make_workflow: MakeWorkflow, status: Status, after: Status
):
    workflow = await at(database, make_workflow, status)
    closed = replace(MERGED, state="closed", merge_sha=None)
    is_stopped, now = await ended(database, workflow.adw_id, closed, Orders())
    assert (is_stopped, now.status, now.pr_state) == (True, after, "closed")


@pytest.mark.parametrize(
    ("status", "changes"), [(Status.ACTIVE, {"phase": "shipping"}), (Status.PAUSED, {"held_by": "ada"})]
)
async def test_one_that_merges_itself_or_is_in_a_persons_hands_is_left_alone(
    database: Database, make_workflow: MakeWorkflow, status: Status, changes: dict[str, Any]
):
    workflow = await at(database, make_workflow, status, **changes)
    is_stopped, now = await ended(database, workflow.adw_id, MERGED, Orders())
    assert (is_stopped, now.status, now.pr_state) == (False, status, "merged")


async def test_the_end_is_recorded_once(database: Database, make_workflow: MakeWorkflow):
    workflow = await at(database, make_workflow, Status.COMPLETED)
    async with database.begin() as connection:
        assert [await record_over(connection, workflow.adw_id, MERGED) for _ in range(2)] == [True, False]
        told = await get_workflow_events(connection, workflow.adw_id, types=[EventType.PULL_REQUEST_MERGED])
    assert [event.data["sha"] for event in told] == ["c" * 40]
