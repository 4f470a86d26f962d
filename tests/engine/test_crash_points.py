"""kill -9 before, inside and after steps and transactions."""

from __future__ import annotations

import pytest

PLAN = ("a", {"name": "tx", "transaction": True}, "b")


@pytest.mark.parametrize("transaction", [False, True])
async def test_dying_inside_leaves_nothing_and_is_repeated(scene, transaction):
    await scene.enqueue("r1", "a", {"name": "x", "gate": "x", "transaction": transaction}, "b")
    first = await scene.worker()
    await scene.saw("begin", "r1", "x")
    first.kill()
    assert await scene.rows("SELECT name FROM effects") == []
    scene.allow("x")
    await scene.worker()
    await scene.becomes("r1", "completed")
    assert [len(scene.lines("begin", "r1", step)) for step in ("a", "x", "b")] == [1, 2, 1]
    assert await scene.rows("SELECT name FROM effects") == ([("x",)] if transaction else [])


async def test_a_transaction_and_its_record_commit_together(scene):
    """Upstream records a step after its work has committed; a crash in between would do the work twice."""
    await scene.enqueue("r1", {"name": "tx", "transaction": True}, {"name": "b", "gate": "b"})
    first = await scene.worker()
    await scene.saw("begin", "r1", "b")
    first.kill()
    scene.allow("b")
    await scene.worker()
    await scene.becomes("r1", "completed")
    assert await scene.rows("SELECT name FROM effects") == [("tx",)]
    names = await scene.rows("SELECT function_name FROM dbos.operation_outputs ORDER BY function_id")
    assert names == [("tx",), ("b",)]


async def test_a_claim_lost_before_the_commit_undoes_our_rows(scene):
    """Between the work and the commit another executor may have taken the run: then nothing of it may remain."""
    await scene.worker()
    await scene.enqueue("r1", {"name": "tx", "gate": "tx", "transaction": True})
    await scene.saw("begin", "r1", "tx")
    async with scene.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE dbos.workflow_status SET owner_xid = 'another'")
    scene.allow("tx")
    await scene.saw("end", "r1", "tx")
    await scene.saw("recovered", "r1")
    await scene.becomes("r1", "completed")
    assert await scene.rows("SELECT count(*) FROM effects") == [(1,)]
