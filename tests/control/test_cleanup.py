from __future__ import annotations

from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from adw.control.cleanup import cleanup, reason_to_remove
from adw.domain.events import EventType
from adw.domain.status import PrState, Status
from adw.kit.errors import GitError
from adw.ports.workspace import WorkspaceEntry
from adw.store.events import get_workflow_events
from adw.store.leases import PortPair, lease_ports, list_leases
from adw.store.tables.workflows import workflows
from adw.store.workers import NewWorker, end_workers, register_worker
from adw.store.workflows import require_workflow

COLUMNS = {Status.WAITING: {"wait_reason": "review"}, Status.PAUSED: {"paused_from": "active"}}


class Here:
    """The part of `adw.ports.workspace.Workspaces` that cleaning up uses."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.stuck: set[str] = set()
        self.root = Path("/trees")

    async def list(self) -> Any:
        return [
            WorkspaceEntry(name=name, project_id="p", path=self.root / name, branch="b", base_sha="c")
            for name in self.names
        ]

    async def remove(self, name: str) -> bool:
        if name in self.stuck:
            raise GitError("device is busy")
        self.names.remove(name)
        return True


@pytest.fixture
def here():
    return Here()


@pytest.fixture
def sweep(database, here):
    return lambda *, dry_run=False, **times: cleanup(database, cast("Any", here), host="here", dry_run=dry_run, **times)


@pytest.fixture
def with_workspace(database, make_workflow, here):
    async def make(status, pr_state=PrState.NONE, *, number=1, on_disk=True, host="here"):
        workflow = await make_workflow(issue_number=number)
        pairs = [PortPair(backend=9100 + number, frontend=9200 + number)]
        async with database.begin() as connection:
            await lease_ports(connection, adw_id=workflow.adw_id, host=host, candidates=pairs, is_free=lambda _: True)
            values = {"status": status.value, "pr_state": pr_state.value, "worktree_exists": True, "backend_port": 9100}
            of = workflows.c.adw_id == workflow.adw_id
            await connection.execute(update(workflows).where(of).values(**values, **COLUMNS.get(status, {})))
            if on_disk:
                here.names.append(workflow.adw_id)
            return await require_workflow(connection, workflow.adw_id)

    return make


async def leased(database):
    async with database.read() as connection:
        return {row["adw_id"] for row in await list_leases(connection)}


async def test_only_what_nobody_needs_any_more_goes(database, here, sweep, with_workspace):
    """All 35 pairs of status and pull request."""
    made = {}
    for number, (status, pr_state) in enumerate(product(Status, PrState)):
        made[status, pr_state] = (await with_workspace(status, pr_state, number=number)).adw_id
    finished = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
    expected = {made[pair] for pair in product(finished, (PrState.MERGED, PrState.CLOSED))}
    expected.add(made[Status.CANCELLED, PrState.NONE])
    would = await sweep(dry_run=True)
    assert {item.adw_id for item in would} == expected
    assert not any(item.removed for item in would)
    assert len(here.names) == 35
    assert {item.adw_id for item in await sweep() if item.removed} == expected
    assert set(here.names) == await leased(database) == set(made.values()) - expected
    assert await sweep() == []


async def test_a_removal_is_recorded_with_its_reason(database, sweep, with_workspace):
    workflow = await with_workspace(Status.COMPLETED, PrState.MERGED)
    (item,) = await sweep()
    assert (item.reason, item.path) == ("its pull request is merged", Path("/trees") / workflow.adw_id)
    async with database.read() as connection:
        now = await require_workflow(connection, workflow.adw_id)
        event = (await get_workflow_events(connection, workflow.adw_id))[-1]
    assert (now.worktree_exists, now.backend_port) == (False, None)
    assert (event.type, event.message) == (
        EventType.WORKFLOW_UPDATED,
        "workspace removed: its pull request is merged",
    )
    assert reason_to_remove(now) == item.reason


async def test_ports_left_without_a_workspace_are_freed(database, sweep, with_workspace):
    await with_workspace(Status.CANCELLED, on_disk=False)
    (item,) = await sweep()
    assert (item.path, item.removed) == (None, True)
    assert await leased(database) == set()


async def test_one_that_cannot_be_removed_keeps_its_ports_and_does_not_keep_the_others(
    database, here, sweep, with_workspace
):
    stuck = await with_workspace(Status.CANCELLED, number=1)
    other = await with_workspace(Status.CANCELLED, number=2)
    here.stuck.add(stuck.adw_id)
    by_id = {item.adw_id: item for item in await sweep()}
    assert (by_id[stuck.adw_id].removed, by_id[stuck.adw_id].problem) == (False, "device is busy")
    assert by_id[other.adw_id].removed
    assert await leased(database) == {stuck.adw_id}
    async with database.read() as connection:
        assert (await require_workflow(connection, stuck.adw_id)).worktree_exists


async def test_what_no_workflow_knows_goes_when_nothing_moves_in_it_any_more(here, sweep, tmp_path):
    here.names += ["baseline-0a1b2c3d", "0badbeef"]
    here.root = tmp_path
    (tmp_path / "0badbeef").mkdir()
    assert await sweep() == []
    (item,) = await sweep(dry_run=True, orphaned_after=timedelta(0))
    assert (item.adw_id, item.reason) == ("0badbeef", "no workflow knows it")
    (item,) = await sweep(orphaned_after=timedelta(0))
    assert item.removed
    assert here.names == ["baseline-0a1b2c3d"]


async def test_ports_of_another_host_are_left_to_it_while_it_has_been_seen(database, sweep, with_workspace):
    workflow = await with_workspace(Status.CANCELLED, on_disk=False, host="there")
    there = NewWorker(id="w", name="w", host_id="there", pid=1, process_started_at=1, concurrency=1, code_revision="r")
    async with database.begin() as connection:
        await register_worker(connection, there, lease_s=60)
        await end_workers(connection, ["w"], reason="closed")
    assert await sweep() == []
    assert await leased(database) == {workflow.adw_id}
    (item,) = await sweep(host_gone_after=timedelta(0))
    assert (item.path, item.removed) == (None, True)
    assert await leased(database) == set()


async def test_a_tree_left_behind_when_the_workflow_moved_on_goes_without_a_word_in_its_record(
    database, here, sweep, with_workspace
):
    workflow = await with_workspace(Status.CANCELLED, host="there")
    (item,) = await sweep()
    assert item.removed
    assert here.names == []
    assert await leased(database) == {workflow.adw_id}
    async with database.read() as connection:
        assert (await require_workflow(connection, workflow.adw_id)).worktree_exists
