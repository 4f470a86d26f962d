"""PostgreSQL dies under a live worker and comes back."""

from __future__ import annotations

import time


async def test_runs_survive_a_killed_database(scene, cluster):
    """psycopg words a lost unix socket unlike a lost TCP connection, and upstream's retry only knows the latter."""
    worker = await scene.worker(lease_s=30)
    for number in range(3):
        await scene.enqueue(f"r{number}", "a", {"name": "b", "gate": "b", "transaction": number == 2}, "c")
        await scene.saw("begin", f"r{number}", "b")
    await scene.enqueue("idle", {"name": "a", "gate": "idle"})
    await scene.saw("begin", "idle", "a")
    cluster.kill()
    scene.allow("b")
    for number in range(2):
        await scene.saw("end", f"r{number}", "b")
    cluster.start()
    for number in range(3):
        await scene.becomes(f"r{number}", "completed")
    scene.allow("idle")
    await scene.becomes("idle", "completed")
    assert all(len(scene.lines("begin", f"r{number}", "a")) == 1 for number in range(3))
    assert [len(scene.lines("begin", f"r{number}", "b")) for number in range(2)] == [1, 1]
    assert not scene.lines("recovered")
    assert worker.alive


async def test_a_lease_that_ran_out_while_the_database_was_away_is_extended(scene, cluster):
    """Nobody can have acted on it: declaring a worker dead takes the database too."""
    worker = await scene.worker(beat_s=0.1, lease_s=0.3)
    cluster.kill()
    time.sleep(0.4)  # noqa: ASYNC251 - the lease runs out by the clock
    cluster.start()
    before = await scene.rows("SELECT beat_at FROM workers")

    async def beats() -> bool:
        return await scene.rows("SELECT beat_at FROM workers") != before

    await scene.eventually(beats)
    await scene.enqueue("r1", "a")
    await scene.becomes("r1", "completed")
    assert worker.alive
