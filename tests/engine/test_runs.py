"""Queueing, executing, cancelling and forgetting runs."""

from __future__ import annotations

import time
from datetime import timedelta

from adw.engine.dbos_engine import prepare_schema
from adw.engine.runs import purge


async def test_a_run_starts_only_if_the_enqueuing_transaction_commits(scene):
    await scene.worker()
    await scene.enqueue("kept", "a")
    async with scene.database.begin() as connection:
        await scene.enqueuer.enqueue(connection, run_id="undone", payload={"steps": []})
        await connection.rollback()
    await scene.becomes("kept", "completed")
    assert await scene.status("undone") is None


async def test_enqueuing_twice_executes_once(scene):
    """Upstream returns the existing run for a known id, whatever its state and payload."""
    await scene.enqueue("r1", "a")
    await scene.enqueue("r1", "a")
    await scene.worker()
    await scene.becomes("r1", "completed")
    await scene.enqueue("r1", "a", "b")
    await scene.enqueue("r2", "a")
    await scene.becomes("r2", "completed")
    assert len(scene.lines("begin", "r1")) == 1


async def test_a_lower_priority_number_starts_sooner(scene):
    for number, run_id in ((9, "late"), (2, "soon"), (0, "first")):
        await scene.enqueue(run_id, "a", priority=number)
    await scene.worker(concurrency=1)
    await scene.becomes("late", "completed")
    assert [line[1] for line in scene.lines("begin")] == ["first", "soon", "late"]


async def test_two_workers_share_the_queue_each_within_its_own_concurrency(scene):
    """Upstream keeps the concurrency of public queues in the database, one value for all processes."""
    small, large = await scene.worker(concurrency=1), await scene.worker(concurrency=3)
    for number in range(6):
        await scene.enqueue(f"r{number}", {"name": "a", "gate": "a"})
    await scene.eventually(lambda: len(scene.lines("begin")) == 4)
    by = [line[3] for line in scene.lines("begin")]
    assert (by.count(str(small.pid)), by.count(str(large.pid))) == (1, 3)
    assert [await scene.status(f"r{number}") for number in range(6)].count("queued") == 2
    scene.allow("a")
    for number in range(6):
        await scene.becomes(f"r{number}", "completed")
    assert len(scene.lines("begin")) == 6


async def test_cancelling_interrupts_the_step_under_way(scene):
    """Upstream lets ordinary steps run to their end; only preemptible ones notice."""
    await scene.worker()
    await scene.enqueue("r1", {"name": "a", "gate": "never"}, "b")
    await scene.saw("begin", "r1", "a")
    started = time.monotonic()
    async with scene.database.begin() as connection:
        await scene.enqueuer.revoke(connection, run_id="r1")
    await scene.saw("cancelled", "r1", "a")
    assert time.monotonic() - started < 1.5
    assert await scene.status("r1") == "cancelled"
    await scene.enqueue("r2", "a")
    await scene.becomes("r2", "completed")
    assert not scene.lines("begin", "r1", "b")
    assert not scene.lines("finished", "r1")


async def test_a_cancelled_run_never_starts_and_a_finished_one_stays_finished(scene):
    await scene.enqueue("r1", "a")
    async with scene.database.begin() as connection:
        await scene.enqueuer.revoke(connection, run_id="r1")
        await scene.enqueuer.revoke(connection, run_id="unknown")
    await scene.worker()
    await scene.enqueue("r2", "a")
    await scene.becomes("r2", "completed")
    async with scene.database.begin() as connection:
        await scene.enqueuer.revoke(connection, run_id="r2")
    assert await scene.status("r1") == "cancelled"
    assert await scene.status("r2") == "completed"
    assert not scene.lines("begin", "r1")


async def test_nothing_in_the_engines_tables_is_a_pickle(scene):
    """Upstream serialises with pickle by default: whoever can write to the database could run code in a worker."""
    await scene.worker()
    await scene.enqueue("good", "a", {"name": "b", "transaction": True})
    await scene.enqueue("bad", {"name": "a", "raise": "ValueError"})
    await scene.becomes("good", "completed")
    await scene.becomes("bad", "failed")
    for table in ("workflow_status", "operation_outputs"):
        assert await scene.rows(f"SELECT DISTINCT serialization FROM dbos.{table}") == [("portable_json",)]
    values = await scene.rows(
        "SELECT inputs FROM dbos.workflow_input UNION ALL SELECT output FROM dbos.workflow_output "
        "UNION ALL SELECT error FROM dbos.workflow_output "
        "UNION ALL SELECT output FROM dbos.operation_outputs UNION ALL SELECT error FROM dbos.operation_outputs"
    )
    texts = [value for (value,) in values if value is not None]
    assert len(texts) >= 6
    assert all(text[0] in '{["' or text == "null" for text in texts)


async def test_purging_removes_finished_runs_only(scene):
    await scene.worker()
    await scene.enqueue("done", "a", "b")
    await scene.enqueue("open", {"name": "a", "gate": "never"})
    await scene.becomes("done", "completed")
    await scene.saw("begin", "open", "a")
    async with scene.database.begin() as connection:
        assert await purge(connection, older_than=timedelta(hours=1)) == 0
        assert await purge(connection, older_than=timedelta(seconds=-1)) == 1
    assert await scene.status("done") is None
    assert await scene.status("open") == "active"
    for table in ("workflow_input", "workflow_output", "operation_outputs"):
        assert await scene.rows(f"SELECT 1 FROM dbos.{table} WHERE workflow_uuid = 'done'") == []


async def test_preparing_the_schema_twice_is_harmless(scene):
    await prepare_schema(scene.url)
    await scene.enqueue("r1", "a")
    assert await scene.status("r1") == "queued"
