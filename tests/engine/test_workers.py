"""The table of workers: leases by the database's clock, ends that are final."""

from __future__ import annotations

from datetime import timedelta

from adw.store import workers
from adw.store.workers import NewWorker


def worker(worker_id: str, host_id: str = "here") -> NewWorker:
    return NewWorker(
        id=worker_id, name="w", host_id=host_id, pid=1, process_started_at=2, concurrency=3, code_revision="r"
    )


async def test_a_lease_holds_until_it_runs_out_or_is_ended(scene):
    async with scene.database.begin() as connection:
        await workers.register_worker(connection, worker("a"), lease_s=60)
        await workers.register_worker(connection, worker("b"), lease_s=-1)
        assert await workers.holds_lease(connection, worker_id="a")
        assert not await workers.holds_lease(connection, worker_id="b")
        assert await workers.end_expired(connection, spare="b") == []
        assert await workers.end_expired(connection, spare="a") == ["b"]
        await workers.end_workers(connection, ["a", "b"], reason="closed")
        assert not await workers.holds_lease(connection, worker_id="a")
        assert not await workers.beat(connection, worker_id="a", lease_s=60)
        assert not await workers.beat(connection, worker_id="unknown", lease_s=60)
        found = {each.id: each for each in await workers.list_workers(connection)}
    assert (found["a"].end_reason, found["b"].end_reason) == ("closed", "lease_expired")


async def test_a_beat_extends_a_lease_that_ran_out_unnoticed(scene):
    async with scene.database.begin() as connection:
        await workers.register_worker(connection, worker("a"), lease_s=-1)
        assert await workers.beat(connection, worker_id="a", lease_s=60)
        assert await workers.holds_lease(connection, worker_id="a")


async def test_the_living_can_be_listed_by_host(scene):
    async with scene.database.begin() as connection:
        await workers.register_worker(connection, worker("a"), lease_s=60)
        await workers.register_worker(connection, worker("b", "there"), lease_s=60)
        assert [each.id for each in await workers.live_workers(connection)] == ["a", "b"]
        assert [each.id for each in await workers.live_workers(connection, host_id="there")] == ["b"]
        await workers.mark_drained(connection, worker_id="b")
        await workers.end_workers(connection, ["b"], reason="recovered")
        assert await workers.live_workers(connection, host_id="there") == []


async def test_workers_gone_long_enough_are_forgotten(scene):
    async with scene.database.begin() as connection:
        for name in "ab":
            await workers.register_worker(connection, worker(name), lease_s=60)
        await workers.end_workers(connection, ["a"], reason="closed")
        await workers.purge_workers(connection, older_than=timedelta(hours=1))
        assert len(await workers.list_workers(connection)) == 2
        await workers.purge_workers(connection, older_than=timedelta(seconds=-1))
        assert [each.id for each in await workers.list_workers(connection)] == ["b"]


async def test_the_condemned_of_a_host_are_those_others_declared_dead(scene):
    async with scene.database.begin() as connection:
        for name, host_id in (("a", "here"), ("b", "here"), ("c", "there"), ("d", "here")):
            await workers.register_worker(connection, worker(name, host_id), lease_s=60)
        await workers.end_workers(connection, ["a"], reason="closed")
        await workers.end_workers(connection, ["b", "c"], reason="lease_expired")
        assert [each.id for each in await workers.condemned_workers(connection, host_id="here")] == ["b"]


async def test_a_host_was_last_seen_when_its_last_worker_ended_or_is_seen_now(scene):
    async with scene.database.begin() as connection:
        for name, host_id in (("a", "here"), ("b", "here"), ("c", "there")):
            await workers.register_worker(connection, worker(name, host_id), lease_s=60)
        await workers.end_workers(connection, ["a", "c"], reason="closed")
        seen = await workers.last_seen(connection)
        ended = {each.id: each.ended_at for each in await workers.list_workers(connection)}
    assert seen["there"] == ended["c"]
    assert seen["here"] > ended["a"]
