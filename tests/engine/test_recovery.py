"""Handing over the runs of the dead, step by step; no worker process is needed to see it."""

from __future__ import annotations

import pytest

from adw.engine import runs
from adw.engine.reaper import Reaper
from adw.engine.recovery import Recovery
from adw.kit.errors import ConflictError
from adw.store import workers
from adw.store.workers import NewWorker


class Watcher:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.mark = "0"
        self.refuses = False

    async def progress(self, _connection, **_ids):
        return self.mark

    async def recovered(self, _connection, *, run_id, previous_executor):
        if self.refuses:
            raise ConflictError("not now")
        self.told.append((run_id, previous_executor))

    async def exhausted(self, _connection, *, run_id):
        self.told.append((run_id, "exhausted"))

    def lease_kept(self, *, until):
        """Nothing depends on it here."""

    async def lease_lost(self):
        raise AssertionError


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def recovery(scene, watcher):
    return Recovery(scene.database, watcher, limit=5)


class Judge:
    """Whether missed beats mean something just now."""

    fair = True


@pytest.fixture
def judge():
    return Judge()


@pytest.fixture
def reaper(scene, recovery, judge):
    return Reaper(
        scene.database,
        recovery,
        executor_id="me",
        host_id="here",
        executing=set,
        may_judge=lambda: judge.fair,
    )


async def claim(scene, run_id, executor_id="dead"):
    """Makes a run look claimed by an executor."""
    await scene.enqueue(run_id, "a")
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = %s, owner_xid = 'x' "
            "WHERE workflow_uuid = %s",
            (executor_id, run_id),
        )
    async with scene.database.read() as connection:
        return next(run for run in await runs.active(connection) if run.run_id == run_id)


async def test_the_fifth_recovery_without_progress_is_the_last(scene, recovery, watcher):
    for _ in range(5):
        await recovery.take_over([await claim(scene, "r1")])
    assert watcher.told == [("r1", "dead")] * 4 + [("r1", "exhausted")]
    assert await scene.status("r1") == "exhausted"


@pytest.mark.parametrize("by", ["step", "mark"])
async def test_a_recorded_step_or_a_mark_is_progress(scene, recovery, watcher, by):
    for _ in range(4):
        await recovery.take_over([await claim(scene, "r1")])
    run = await claim(scene, "r1")
    assert run.recoveries == 4
    if by == "mark":
        watcher.mark = "1"
    else:
        async with scene.database.begin() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO dbos.operation_outputs (workflow_uuid, function_id, function_name) VALUES ('r1', 1, 'a')"
            )
    assert await recovery.take_over([run]) == ["r1"]
    assert (await claim(scene, "r1")).recoveries == 1


async def test_a_run_that_changed_hands_meanwhile_is_left_alone(scene, recovery, watcher):
    seen = await claim(scene, "r1")
    await claim(scene, "r1", "another")
    assert await recovery.take_over([seen]) == []
    for _ in range(5):
        await recovery.take_over([seen])
    assert await scene.status("r1") == "active"
    assert watcher.told == []


async def test_a_refused_recovery_changes_nothing_and_holds_up_no_other(scene, recovery, watcher):
    first, second = await claim(scene, "r1"), await claim(scene, "r2")
    watcher.refuses = True
    assert await recovery.take_over([first]) == []
    assert await scene.status("r1") == "active"
    watcher.refuses = False
    assert await recovery.take_over([first, second]) == ["r1", "r2"]


async def test_recovery_yields_to_a_command_that_holds_the_run(scene, recovery):
    """A person's command locks its workflow first and the run second; a recovery the other way round."""
    run = await claim(scene, "r1")
    async with scene.database.begin() as connection:
        await scene.enqueuer.revoke(connection, run_id="r1")
        assert await recovery.take_over([run]) == []
    assert await scene.status("r1") == "cancelled"


async def test_only_one_reaper_works_at_a_time(scene, reaper):
    await claim(scene, "r1")
    async with scene.database.begin() as connection:
        assert await workers.try_reaper_lock(connection)
        assert await reaper.reap() == []
    assert await reaper.reap() == ["r1"]


async def test_named_executors_are_recovered_on_request(scene, reaper):
    await claim(scene, "r1", "one")
    await claim(scene, "r2", "two")
    assert await reaper.recover(["one"]) == ["r1"]
    assert await scene.status("r2") == "active"


async def test_an_own_claim_without_a_task_is_queued_again_at_the_third_sighting(scene, reaper):
    await claim(scene, "r1", "me")
    assert [await reaper.heal() for _ in range(3)] == [[], [], ["r1"]]


async def test_a_new_claim_of_the_same_run_is_counted_anew(scene, reaper):
    await claim(scene, "r1", "me")
    await reaper.heal()
    await reaper.heal()
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE dbos.workflow_status SET owner_xid = 'y'")
    assert await reaper.heal() == []


async def test_after_an_outage_nobody_is_declared_dead_before_all_could_beat(scene, reaper, judge):
    other = NewWorker(
        id="other", name="w", host_id="there", pid=1, process_started_at=2, concurrency=1, code_revision="r"
    )
    async with scene.database.begin() as connection:
        await workers.register_worker(connection, other, lease_s=-1)
    for fair, living in ((False, ["other"]), (True, [])):
        judge.fair = fair
        await reaper.reap()
        async with scene.database.read() as connection:
            assert [each.id for each in await workers.live_workers(connection)] == living
