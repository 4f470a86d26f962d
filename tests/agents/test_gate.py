from __future__ import annotations

import asyncio

import pytest

from adw.agents import gate as gating
from adw.agents.gate import START_CPU_S, StartGate
from adw.store.db import Database
from adw.store.starts import HORIZON_S, reserve_start, starts_due_s


async def reserve(database, host="here", **how):
    async with database.begin() as connection:
        return await reserve_start(connection, host_id=host, **({"interval_s": 1.0, "burst": 2} | how))


async def test_starts_of_a_host_are_spread_over_time_whichever_worker_asks(database, database_url):
    other = Database(database_url, pool_size=1)
    asked = await asyncio.gather(*(reserve(which) for which in (database, other) * 3))
    assert sorted(round(wait) for wait in asked) == [0, 0, 1, 2, 3, 4]
    assert await reserve(database, host="elsewhere") == 0
    async with other.read() as connection:
        assert 5 < await starts_due_s(connection, host_id="here") <= 6
        assert await starts_due_s(connection, host_id="nowhere") == 0
    await other.close()


async def test_nobody_is_put_off_for_ever(database):
    for _ in range(5):
        wait_s = await reserve(database, interval_s=HORIZON_S)
    assert wait_s <= HORIZON_S


@pytest.mark.parametrize(("cores", "waits"), [(4, [0, 0, 0.4]), (2, [0, 0.8, 1.6]), (1, [0, 1.6, 3.2])])
async def test_more_cores_start_more_agents(database, monkeypatch, cores, waits):
    slept = []

    async def note(seconds):
        slept.append(round(seconds, 1))

    gate = StartGate(database, host_id="here", cores=cores)
    with monkeypatch.context() as patched:
        patched.setattr(gating.asyncio, "sleep", note)
        for _ in waits:
            await gate.passed()
    assert START_CPU_S == 1.6
    assert slept == pytest.approx(waits, abs=0.15)
