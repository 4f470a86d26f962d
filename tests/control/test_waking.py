from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from adw.control.budgets import Budgets
from adw.control.waking import wake_one
from adw.domain.budget import BudgetScope
from adw.domain.events import EventType, NewEvent
from adw.domain.limits import Limit, LimitKind
from adw.domain.status import Status, WaitReason
from adw.kit.errors import WrongStateError
from adw.store import limits
from adw.store.events import get_workflow_events
from adw.store.workflows import require_workflow, transition

LIMIT = Limit(credential="c1", kind=LimitKind.USAGE_LIMIT, resets_at=datetime(2026, 1, 1, tzinfo=UTC))
PAST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def waiting(database, make_workflow):
    """Makes workflows that wait: for a limit that is over for them, unless told otherwise."""
    made: list[str] = []

    async def make(**changes: Any) -> str:
        workflow = await make_workflow(issue_number=len(made) + 1)
        made.append(workflow.adw_id)
        usual = {"wait_reason": WaitReason.USAGE_LIMIT.value, "wait_scope": LIMIT.scope, "resume_at": PAST}
        async with database.begin() as connection:
            event = NewEvent(type=EventType.WORKFLOW_WAITING, message="waits")
            for status, values in ((Status.ACTIVE, {}), (Status.WAITING, usual | changes)):
                await transition(connection, workflow.adw_id, to=status, event=event, changes=values)
        return workflow.adw_id

    return make


@pytest.fixture
def wake(database, enqueuer):
    async def one() -> str | None:
        async with database.begin() as connection:
            await limits.follow_limits(connection)
            return await wake_one(connection, enqueuer=enqueuer)

    return one


async def note(database, *, remaining_s: float) -> None:
    async with database.begin() as connection:
        await limits.note_limit(connection, LIMIT, remaining_s=remaining_s)


async def status(database, adw_id: str) -> Any:
    async with database.read() as connection:
        return await require_workflow(connection, adw_id)


async def test_who_waits_for_a_limit_that_is_over_goes_on_in_order(database, enqueuer, waiting, wake):
    first, second = await waiting(), await waiting()

    assert [await wake(), await wake(), await wake()] == [first, second, None]

    assert await enqueuer.orders(database) == [("enqueue", f"{first}.1"), ("enqueue", f"{second}.1")]
    found = await status(database, first)
    assert (found.status, found.wait_reason, found.resume_at, found.wait_scope) == (Status.ACTIVE, None, None, None)
    async with database.read() as connection:
        told = (await get_workflow_events(connection, first))[-1]
    assert (told.type, told.data) == (EventType.WORKFLOW_RESUMED, {"by": "system"})


async def test_nobody_goes_on_before_the_end(database, waiting, wake):
    adw_id = await waiting()
    await note(database, remaining_s=60)

    assert await wake() is None

    found = await status(database, adw_id)
    assert found.status is Status.WAITING
    assert timedelta(seconds=50) < found.resume_at - datetime.now(UTC) < timedelta(seconds=70), "brought up to date"
    assert await waiting(resume_at=datetime.now(UTC) + timedelta(seconds=60), wait_scope="c2/")
    assert await wake() is None


async def test_one_goes_ahead_and_the_others_follow_when_it_came_through(database, waiting, wake):
    first, second, third = await waiting(), await waiting(), await waiting()
    await note(database, remaining_s=0)

    assert [await wake(), await wake()] == [first, None]
    async with database.begin() as connection:
        await limits.lift_limit(connection, credential="c1", model="")

    assert [await wake(), await wake(), await wake()] == [second, third, None]


async def test_when_the_first_is_refused_again_the_others_stay(database, waiting, wake):
    first, second = await waiting(), await waiting()
    await note(database, remaining_s=0)
    assert await wake() == first

    await note(database, remaining_s=60)
    assert await wake() is None
    async with database.begin() as connection:
        await connection.execute(text("UPDATE model_limits SET resets_at = now()"))
        await connection.execute(text("UPDATE adw_workflows SET resume_at = now() WHERE status = 'waiting'"))

    assert await wake() == second, "another one goes ahead then"


async def test_who_went_ahead_and_asked_nothing_is_not_waited_for_for_ever(database, waiting, wake):
    await waiting()
    second = await waiting()
    await note(database, remaining_s=0)
    await wake()
    async with database.begin() as connection:
        await connection.execute(text("UPDATE model_limits SET probed_at = now() - interval '2 minutes'"))

    assert await wake() == second


async def test_a_person_may_try_before_the_end_and_takes_the_others_along_only_when_that_works(
    database, control, waiting, wake
):
    first, second = await waiting(), await waiting()
    await note(database, remaining_s=3600)

    resumed = await control.resume(first, actor="ada")

    assert resumed.status is Status.ACTIVE
    assert await wake() is None
    async with database.begin() as connection:
        [known] = await limits.known_limits(connection)
        assert known.remaining_s <= 0
        await limits.lift_limit(connection, credential="c1", model="")
        await connection.execute(text("UPDATE adw_workflows SET resume_at = now() WHERE status = 'waiting'"))
    assert await wake() == second


async def test_a_pause_over_a_limit_keeps_it_and_an_old_answer_means_nothing(database, control, waiting, wake):
    adw_id = await waiting()
    await control.pause(adw_id, actor="ada")
    assert await wake() is None

    again = await control.resume(adw_id, actor="ada")

    assert (again.status, again.wait_reason, again.wait_scope) == (Status.WAITING, "usage_limit", LIMIT.scope)
    assert await wake() == adw_id


async def test_a_question_is_not_skipped_by_resuming(control, waiting):
    adw_id = await waiting(wait_reason="approval", wait_scope=None, resume_at=None)

    with pytest.raises(WrongStateError):
        await control.resume(adw_id, actor="ada")


@pytest.mark.parametrize(
    ("budget", "needed", "goes_on"), [("0.02", "0.03", False), ("0.03", "0.03", True), ("5", "0.03", True)]
)
async def test_who_waits_for_a_budget_goes_on_when_it_has_room_for_them(
    database, waiting, wake, budget, needed, goes_on
):
    budgets = Budgets(database=database)
    await budgets.set_to(BudgetScope.GLOBAL_MONTH, project_id=None, budget_usd=Decimal("0.001"), actor="ada")
    adw_id = await waiting(wait_reason="budget", wait_scope="global_month", resume_at=None, wait_usd=Decimal(needed))
    assert await wake() is None

    await budgets.set_to(BudgetScope.GLOBAL_MONTH, project_id=None, budget_usd=Decimal(budget), actor="ada")

    assert await wake() == (adw_id if goes_on else None)


async def test_a_new_month_or_no_budget_at_all_lets_everybody_go_on(database, waiting, wake):
    budgets = Budgets(database=database)
    first = await waiting(wait_reason="budget", wait_scope="project_month", resume_at=None, wait_usd=Decimal(1))
    project = (await status(database, first)).project_id
    for scope, of in ((BudgetScope.PROJECT_MONTH, project), (BudgetScope.GLOBAL_TOTAL, None)):
        await budgets.set_to(scope, project_id=of, budget_usd=Decimal(2), actor="ada")
    async with database.begin() as connection:
        await connection.execute(text("UPDATE budgets SET spent_usd = 2"))
    assert await wake() is None

    async with database.begin() as connection:
        back = "UPDATE budgets SET period_start = period_start - interval '1 month' WHERE period = 'month'"
        await connection.execute(text(back))
    assert await wake() is None, "the total is used up as well"
    await budgets.lift(BudgetScope.GLOBAL_TOTAL, project_id=None)

    assert await wake() == first


async def test_a_workflows_own_budget_is_a_persons_to_raise(waiting, wake):
    await waiting(wait_reason="budget", wait_scope=None, resume_at=None)

    assert await wake() is None
