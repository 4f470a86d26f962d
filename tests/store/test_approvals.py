from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from adw.domain.approval import ApprovalKind, Decision
from adw.kit.errors import NotFoundError, UsageError
from adw.store import approvals


@pytest.fixture
async def adw_id(make_workflow):
    return (await make_workflow()).adw_id


async def ask(database, adw_id, *, key="plan", question="right?", kind=ApprovalKind.PLAN):
    async with database.begin() as connection:
        return await approvals.ask(connection, adw_id=adw_id, kind=kind, key=key, question=question, data={"n": 1})


async def decide(database, approval, decision=Decision.ALLOWED, by="ann", reason=None):
    async with database.begin() as connection:
        return await approvals.decide(
            connection, approval_id=approval.id, decision=decision, decided_by=by, reason=reason
        )


async def test_asking_twice_with_one_key_asks_once(database, adw_id):
    first, is_new = await ask(database, adw_id)
    again, is_new_again = await ask(database, adw_id, question="another wording")
    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert (first.question, first.decision, first.data) == ("right?", Decision.PENDING, {"n": 1})


async def test_many_who_ask_at_once_get_the_same_question(database, adw_id):
    asked = await asyncio.gather(*(ask(database, adw_id) for _ in range(8)))
    assert len({approval.id for approval, _ in asked}) == 1
    assert sum(is_new for _, is_new in asked) == 1


async def test_the_first_decision_stands(database, adw_id):
    approval, _ = await ask(database, adw_id)
    counted = await asyncio.gather(
        *(
            decide(database, approval, Decision.ALLOWED if n % 2 else Decision.DENIED, by=f"p{n}", reason="so")
            for n in range(8)
        )
    )
    assert sum(counted) == 1
    async with database.read() as connection:
        decided = await approvals.get_approval(connection, approval.id)
    winner = counted.index(True)
    assert decided.decided_by == f"p{winner}"
    assert decided.decision is (Decision.ALLOWED if winner % 2 else Decision.DENIED)
    assert decided.reason == "so"
    assert decided.decided_at is not None


async def test_an_approval_is_found_by_the_beginning_of_its_id_or_by_its_workflow(database, make_workflow):
    workflow = await make_workflow(adw_id="zzzzzzzz".replace("z", "0"))
    approval, _ = await ask(database, workflow.adw_id)
    async with database.read() as connection:
        for reference in (str(approval.id), str(approval.id)[:13], f" {workflow.adw_id} ", "0000"):
            assert await approvals.find_approval(connection, reference) == approval
        for unknown in ("nothing", "%", "\0"):
            with pytest.raises(NotFoundError):
                await approvals.find_approval(connection, unknown)
        for empty in ("", "  "):
            with pytest.raises(UsageError):
                await approvals.find_approval(connection, empty)
        with pytest.raises(NotFoundError):
            await approvals.get_approval(connection, uuid4())


async def test_a_workflow_stands_for_its_one_pending_question(database, adw_id):
    first, _ = await ask(database, adw_id, key="a")
    second, _ = await ask(database, adw_id, key="b")
    async with database.read() as connection:
        with pytest.raises(UsageError, match="several"):
            await approvals.find_approval(connection, adw_id)
    await decide(database, first)
    async with database.read() as connection:
        assert (await approvals.find_approval(connection, adw_id)).id == second.id
        pending = await approvals.list_approvals(connection, adw_id=adw_id, pending_only=True)
        everything = await approvals.list_approvals(connection)
    assert [each.id for each in pending] == [second.id]
    assert [each.id for each in everything] == [first.id, second.id]


async def test_open_questions_of_an_ended_workflow_expire_and_answered_ones_stay(database, adw_id):
    answered, _ = await ask(database, adw_id, key="a")
    await decide(database, answered)
    await ask(database, adw_id, key="b", kind=ApprovalKind.BUDGET)
    async with database.begin() as connection:
        await approvals.expire_pending(connection, adw_id=adw_id)
        rows = await approvals.list_approvals(connection, adw_id=adw_id)
    assert [row.decision for row in rows] == [Decision.ALLOWED, Decision.EXPIRED]
    assert not await decide(database, rows[1])
