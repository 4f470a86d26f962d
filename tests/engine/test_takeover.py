"""What happens to runs when workers die, freeze or start again. Each test names the upstream behaviour it guards."""

from __future__ import annotations

import signal

from adw.engine.lease import LEASE_LOST_EXIT


async def test_a_worker_killed_and_restarted_continues_where_it_stopped(scene):
    """Upstream recovers at launch only the runs of its own executor id; ours is new at each boot."""
    first = await scene.worker()
    await scene.enqueue("r1", "a", {"name": "b", "gate": "b"}, "c")
    await scene.saw("begin", "r1", "b")
    first.kill()
    await scene.worker()
    scene.allow("b")
    await scene.becomes("r1", "completed")
    assert [len(scene.lines("begin", "r1", step)) for step in "abc"] == [1, 2, 1]
    previous = scene.lines("launched")[0][2]
    assert scene.lines("recovered") == [["recovered", "r1", previous]]
    assert await scene.rows("SELECT end_reason FROM workers WHERE id = :id", id=previous) == [("process_gone",)]


async def test_a_killed_workers_runs_are_taken_over_by_another(scene):
    """Upstream has no heartbeat: runs of a dead executor stay claimed for ever."""
    first, second = await scene.worker(), await scene.worker()
    for number in range(4):
        await scene.enqueue(f"r{number}", "a", {"name": "b", "gate": "b"})
    for number in range(4):
        await scene.saw("begin", f"r{number}", "b")
    first.kill()
    scene.allow("b")
    for number in range(4):
        await scene.becomes(f"r{number}", "completed")
    assert all(len(scene.lines("begin", f"r{number}", "a")) == 1 for number in range(4))
    assert {line[2] for line in scene.lines("finished")} <= {str(first.pid), str(second.pid)}


async def test_an_expired_lease_suffices_where_the_process_cannot_be_seen(scene):
    """Workers on other hosts are judged by the database's clock alone."""
    first = await scene.worker()
    await scene.enqueue("r1", {"name": "a", "gate": "a"})
    await scene.saw("begin", "r1", "a")
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE workers SET host_id = 'elsewhere'")
    first.kill()
    await scene.worker()
    scene.allow("a")
    await scene.becomes("r1", "completed")
    assert await scene.rows("SELECT end_reason FROM workers WHERE host_id = 'elsewhere'") == [("lease_expired",)]


async def test_a_frozen_worker_is_fenced_off_and_ends_when_it_wakes(scene):
    """Upstream's claim token refuses the records of an executor that lost its run; its processes are ours to end."""
    first = await scene.worker(host_id="elsewhere")
    await scene.enqueue("r1", "a", {"name": "b", "gate": "b"}, {"name": "c", "transaction": True})
    await scene.saw("begin", "r1", "b")
    first.send(signal.SIGSTOP)
    second = await scene.worker()
    scene.allow("b")
    await scene.becomes("r1", "completed")
    first.send(signal.SIGCONT)
    assert first.exit_code() == LEASE_LOST_EXIT
    assert scene.lines("lease_lost") == [["lease_lost", str(first.pid)]]
    assert scene.lines("finished") == [["finished", "r1", str(second.pid)]]
    assert await scene.rows("SELECT executor FROM effects") == [(str(second.pid),)]


async def test_a_frozen_worker_of_the_same_host_is_killed_by_who_takes_over(scene):
    """It is dead by decree: left alone it would keep its file locks, and could wake up in the middle of a push."""
    first = await scene.worker()
    await scene.enqueue("r1", "a", {"name": "b", "gate": "b"})
    await scene.saw("begin", "r1", "b")
    first.send(signal.SIGSTOP)
    second = await scene.worker()
    assert first.exit_code() == -signal.SIGKILL
    scene.allow("b")
    await scene.becomes("r1", "completed")
    assert scene.lines("finished") == [["finished", "r1", str(second.pid)]]
    (late_s,) = (
        await scene.rows("SELECT extract(epoch FROM ended_at - lease_until) FROM workers WHERE ended_at > beat_at")
    )[0]
    assert late_s < 2


async def test_a_worker_of_this_host_that_another_host_declared_dead_is_killed_here(scene):
    """Whoever takes over elsewhere cannot reach the process; a neighbour can."""
    first, _neighbour = await scene.worker(lease_s=60), await scene.worker(lease_s=60)
    first.send(signal.SIGSTOP)
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE workers SET ended_at = now(), end_reason = 'lease_expired' WHERE pid = %s", (first.pid,)
        )
    assert first.exit_code() == -signal.SIGKILL


async def test_what_a_fenced_worker_does_after_losing_its_run_leaves_no_record(scene):
    """The claim is compared in the transaction that writes the record, for steps and for our own rows alike."""
    first = await scene.worker(beat_s=60, lease_s=120, host_id="elsewhere")
    await scene.enqueue("r1", {"name": "a", "gate": "a", "transaction": True}, "b")
    await scene.saw("begin", "r1", "a")
    first_id = scene.lines("launched")[0][2]
    first.send(signal.SIGSTOP)
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE workers SET lease_until = now() - interval '1 s'")
    scene.allow("a")
    second = await scene.worker()
    await scene.becomes("r1", "completed")
    first.send(signal.SIGCONT)
    await scene.saw("end", "r1", "a", first.pid)
    await scene.enqueue("r2", {"name": "a", "gate": "never"})
    await scene.saw("begin", "r2", "a")
    assert scene.lines("recovered", "r1") == [["recovered", "r1", first_id]]
    assert not scene.lines("finished", "r1", first.pid)
    assert await scene.rows("SELECT executor FROM effects") == [(str(second.pid),)]


async def test_every_boot_is_an_executor_of_its_own(scene):
    """Under upstream's default id "local" a second process steals the first one's running work."""
    await scene.worker()
    await scene.enqueue("r1", {"name": "a", "gate": "a"})
    await scene.saw("begin", "r1", "a")
    await scene.worker()
    scene.allow("a")
    await scene.becomes("r1", "completed")
    assert len(scene.lines("begin", "r1", "a")) == 1
    assert len({line[2] for line in scene.lines("launched")}) == 2


async def test_runs_outlive_a_change_of_the_code(scene):
    """Upstream hashes our source into the version by default and never again runs what another version started."""
    first = await scene.worker(code_revision="old")
    await scene.enqueue("r1", {"name": "a", "gate": "a"})
    await scene.saw("begin", "r1", "a")
    first.kill()
    await scene.worker(code_revision="new")
    scene.allow("a")
    await scene.becomes("r1", "completed")
    assert await scene.rows("SELECT DISTINCT application_version FROM dbos.workflow_status") == [("1",)]


async def test_a_run_whose_task_vanished_is_queued_again(scene):
    """A claim without a task, as a failed dispatch leaves it behind, is never looked at again upstream."""
    await scene.worker()
    executor = scene.lines("launched")[0][2]
    await scene.enqueue("r1", "a")
    await scene.becomes("r1", "completed")
    await scene.enqueue("r2", "a", priority=9)
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE dbos.workflow_status SET status = 'PENDING', owner_xid = 'lost', executor_id = %s "
            "WHERE workflow_uuid = 'r1'",
            (executor,),
        )
    await scene.saw("recovered", "r1", executor)
    await scene.becomes("r1", "completed")


async def test_a_closing_worker_hands_its_runs_over_at_once(scene):
    first, second = await scene.worker(grace_s=0), await scene.worker(grace_s=0, concurrency=1)
    await scene.enqueue("r1", {"name": "a", "gate": "a"})
    await scene.saw("begin", "r1", "a")
    owner = first if scene.lines("begin", "r1", "a", first.pid) else second
    heir = second if owner is first else first
    owner.send(signal.SIGTERM)
    await scene.saw("begin", "r1", "a", heir.pid)
    assert scene.lines("cancelled", "r1", "a", owner.pid)
    scene.allow("a")
    await scene.becomes("r1", "completed")
    assert owner.exit_code() == 0
    assert await scene.rows("SELECT end_reason FROM workers WHERE pid = :pid", pid=owner.pid) == [("closed",)]


async def test_a_closing_worker_lets_a_short_step_end_and_starts_no_other(scene):
    owner = await scene.worker(grace_s=40)
    await scene.enqueue("r1", {"name": "a", "gate": "a"}, "b")
    await scene.saw("begin", "r1", "a")
    owner.send(signal.SIGTERM)
    await scene.eventually(lambda: scene.rows("SELECT 1 FROM workers WHERE drained_at IS NOT NULL"))
    scene.allow("a")
    assert owner.exit_code() == 0
    assert not scene.lines("begin", "r1", "b")
    await scene.worker()
    await scene.becomes("r1", "completed")
    assert len(scene.lines("begin", "r1", "a")) == 1


async def test_a_long_step_is_parked_in_time_for_another_worker_to_go_on_within_a_second(scene):
    owner = await scene.worker(grace_s=2, concurrency=1)
    await scene.enqueue("r1", "a", {"name": "b", "gate": "b"})
    await scene.saw("begin", "r1", "b")
    await scene.worker()
    owner.send(signal.SIGTERM)
    await scene.eventually(lambda: len(scene.lines("begin", "r1", "b")) == 2)
    scene.allow("b")
    await scene.becomes("r1", "completed")
    assert owner.exit_code() == 0
    assert len(scene.lines("begin", "r1", "a")) == 1
    (idle_s,) = (
        await scene.rows(
            "SELECT extract(epoch FROM to_timestamp(s.started_at_epoch_ms / 1000.0) - w.drained_at)"
            " FROM dbos.workflow_status s, workers w WHERE w.pid = :pid AND s.workflow_uuid = 'r1'",
            pid=owner.pid,
        )
    )[0]
    assert idle_s < 0.5 + 1  # a quarter of the grace for it to end by itself, then at most a second


async def test_a_closing_worker_that_is_asked_again_waits_for_nothing(scene):
    owner = await scene.worker(grace_s=1000)
    await scene.enqueue("r1", {"name": "a", "gate": "never", "lingers": "never"})
    await scene.saw("begin", "r1", "a")
    owner.send(signal.SIGTERM)
    await scene.eventually(lambda: scene.rows("SELECT 1 FROM workers WHERE drained_at IS NOT NULL"))
    owner.send(signal.SIGTERM)
    assert owner.exit_code() == 0
    assert await scene.status("r1") == "queued"
