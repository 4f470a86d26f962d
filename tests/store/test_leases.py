from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from adw.store.leases import PortPair, PortsTakenError, lease_ports, list_leases, longest_at_rest, release_ports

CANDIDATES = [PortPair(backend=9100 + n, frontend=9200 + n) for n in range(12)]


def always(_port):
    return True


async def lease(database, adw_id, *, host="a", candidates=CANDIDATES, is_free=always):
    async with database.begin() as connection:
        return await lease_ports(connection, adw_id=adw_id, host=host, candidates=candidates, is_free=is_free)


@pytest.fixture
async def ids(make_workflow):
    return [(await make_workflow(issue_number=n)).adw_id for n in range(10)]


async def test_workflows_leasing_at_once_never_share_a_port(database, ids):
    pairs = await asyncio.gather(*(lease(database, adw_id) for adw_id in ids))
    ports = [port for pair in pairs for port in (pair.backend, pair.frontend)]
    assert len(ports) == len(set(ports)) == 20
    assert sorted(pair.backend for pair in pairs) == list(range(9100, 9110))


async def test_a_workflow_keeps_its_pair_on_its_host(database, ids):
    first = await lease(database, ids[0])
    assert await lease(database, ids[0], is_free=lambda _: False) == first


async def test_ports_another_program_listens_on_are_passed_over(database, ids):
    pair = await lease(database, ids[0], is_free=lambda port: port not in {9100, 9201})
    assert pair == PortPair(backend=9102, frontend=9202)


async def test_hosts_do_not_compete(database, ids):
    assert await lease(database, ids[0], host="a") == await lease(database, ids[1], host="b")


async def test_a_takeover_by_another_host_frees_the_ports_of_the_first(database, ids):
    await lease(database, ids[0], host="a")
    moved = await lease(database, ids[0], host="b")
    async with database.read() as connection:
        leases = await list_leases(connection)
    assert {(row["host"], row["port"]) for row in leases} == {("b", moved.backend), ("b", moved.frontend)}
    assert await lease(database, ids[1], host="a") == CANDIDATES[0]


async def test_released_ports_are_leased_again(database, ids):
    first = await lease(database, ids[0])
    async with database.begin() as connection:
        await release_ports(connection, adw_id=ids[0])
        await release_ports(connection, adw_id=ids[0])
    assert await lease(database, ids[1]) == first


async def test_when_all_are_taken_the_hint_says_what_to_do(database, ids):
    await lease(database, ids[0], candidates=CANDIDATES[:1])
    with pytest.raises(PortsTakenError) as refused:
        await lease(database, ids[1], candidates=CANDIDATES[:1])
    assert "ADW_MAX_CONCURRENT_WORKFLOWS" in (refused.value.hint or "")


async def test_the_pair_of_who_rests_longest_is_given_to_who_needs_one(database, ids):
    one, needy, held, working = ids[:4]
    for adw_id, port in ((one, 0), (held, 1), (working, 2)):
        await lease(database, adw_id, candidates=[CANDIDATES[port]])
    rests = "UPDATE adw_workflows SET status = 'completed', held_by = :held WHERE adw_id = :id"
    asked = []

    async def make_room(connection):
        resting = await longest_at_rest(connection, host="a")
        asked.append(resting)
        if resting is not None:
            await release_ports(connection, adw_id=resting)
        return resting is not None

    async with database.begin() as connection:
        await connection.execute(text(rests), {"id": one, "held": None})
        await connection.execute(text(rests), {"id": held, "held": "ann"})
        found = await lease_ports(
            connection, adw_id=needy, host="a", candidates=CANDIDATES[:3], is_free=always, make_room=make_room
        )
    assert (found, asked) == (CANDIDATES[0], [one])
    async with database.begin() as connection:
        with pytest.raises(PortsTakenError):
            await lease_ports(
                connection, adw_id=ids[4], host="a", candidates=CANDIDATES[:3], is_free=always, make_room=make_room
            )
    assert asked == [one, None]


async def test_work_that_is_to_go_on_gives_its_pair_up_after_all_that_has_ended(database, ids):
    waiting, paused, ended = ids[:3]
    async with database.begin() as connection:
        for adw_id, rests in (
            (waiting, "status = 'waiting', wait_reason = 'approval'"),
            (paused, "status = 'paused', paused_from = 'active'"),
            (ended, "status = 'failed'"),
        ):
            await lease_ports(connection, adw_id=adw_id, host="a", candidates=CANDIDATES, is_free=always)
            await connection.execute(text(f"UPDATE adw_workflows SET {rests} WHERE adw_id = :id"), {"id": adw_id})
        order = []
        while (resting := await longest_at_rest(connection, host="a")) is not None:
            await release_ports(connection, adw_id=resting)
            order.append(resting)
    assert order[0] == ended
    assert set(order) == {ended, waiting, paused}
