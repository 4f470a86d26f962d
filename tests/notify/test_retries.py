"""What becomes of a message that does not arrive, or whose worker dies, and that nothing of it leaks."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from tests.conftest import MakeWorkflow
from tests.notify.receivers import HttpReceiver
from tests.notify.stage import Bench

from adw.domain.events import EventType
from adw.domain.notifications import DeliveryState
from adw.store import approvals
from adw.store import notification_outbox as outbox
from adw.store import notifications as store
from adw.store.approval_links import add_approval_link
from adw.worker.notifier import FIRST_DELAY_S, LONGEST_DELAY_S, MAX_ATTEMPTS, delay_s


@pytest.fixture
async def failed_run(bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow) -> str:
    """Somebody has to be told of it."""
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "ends")
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    return workflow.adw_id


async def forget_lease(bench: Bench) -> None:
    """As if the worker had been dead for long enough."""
    async with bench.database.begin() as connection:
        await connection.execute(text("UPDATE notification_deliveries SET owned_until = now() - interval '1 second'"))


@pytest.mark.usefixtures("failed_run")
async def test_it_is_tried_again_later_and_later_under_the_same_id(bench: Bench, receiver: HttpReceiver):
    receiver.answers = ["503 Service Unavailable", "429 Too Many Requests\nRetry-After: 100", "200 OK"]
    await bench.deliver()
    (first,) = await bench.deliveries()
    assert (first.state, first.attempt, first.error) == ("waiting", 1, "the host answered 503")
    assert await bench.deliver() == 0, "not before its time"
    bench.clock.pass_by(seconds=FIRST_DELAY_S * 1.3)
    await bench.deliver()
    (second,) = await bench.deliveries()
    assert (second.due_at - bench.clock.now()).total_seconds() == 100, "no sooner than it was asked for"
    bench.clock.pass_by(seconds=101)
    await bench.deliver()
    assert (await bench.deliveries())[0].state == "delivered"
    assert {got.headers["x-adw-delivery"] for got in receiver.got} == {first.id}
    assert len({got.body for got in receiver.got}) == 1


@pytest.mark.usefixtures("failed_run")
async def test_it_is_given_up_in_the_end_and_sent_again_when_somebody_asks(bench: Bench, receiver: HttpReceiver):
    receiver.answers = ["500 Oops"]
    for _ in range(MAX_ATTEMPTS):
        assert await bench.deliver() == 1
        bench.clock.pass_by(seconds=LONGEST_DELAY_S * 2)
    assert await bench.deliver() == 0
    (given_up,) = await bench.deliveries()
    assert (given_up.state, given_up.attempt, given_up.error) == ("failed", MAX_ATTEMPTS, "the host answered 500")
    receiver.answers = ["200 OK"]
    async with bench.database.begin() as connection:
        await outbox.send_again(connection, given_up.id, now=bench.clock.now())
    assert await bench.deliver() == 1
    assert (await bench.deliveries())[0].state == "delivered"


@pytest.mark.usefixtures("failed_run")
@pytest.mark.parametrize("answer", ["404 Not Found", "302 Found\nLocation: http://127.0.0.1:1/"])
async def test_a_refusal_and_a_redirect_end_it_at_once(bench: Bench, receiver: HttpReceiver, answer: str):
    receiver.answers = [answer]
    await bench.deliver()
    assert (await bench.deliveries())[0].state == "failed"
    assert len(receiver.got) == 1


@pytest.mark.usefixtures("failed_run")
async def test_a_secret_that_is_missing_here_may_come_with_a_restart(bench: Bench, receiver: HttpReceiver):
    kept, bench.secrets = bench.secrets, {}
    await bench.deliver()
    (waiting,) = await bench.deliveries()
    assert (waiting.state, waiting.error) == ("waiting", "ADW_NOTIFY_OPS is not set where this worker runs")
    assert receiver.got == []
    bench.secrets = kept
    bench.clock.pass_by(minutes=1)
    await bench.deliver()
    assert len(receiver.got) == 1


@pytest.mark.usefixtures("failed_run")
async def test_whoever_dies_after_sending_leaves_it_to_another_under_the_same_id(bench: Bench, receiver: HttpReceiver):
    dying = bench.notifier("w1")
    await dying.feed_once()
    async with bench.database.begin() as connection:
        assert await outbox.take_delivery(connection, owner="w1", now=bench.clock.now())
    assert await bench.deliver(bench.notifier("w2")) == 0, "it may still be at it"
    await forget_lease(bench)
    assert await bench.deliver(bench.notifier("w2")) == 1
    (done,) = await bench.deliveries()
    assert (done.state, done.attempt) == ("delivered", 2)


@pytest.mark.usefixtures("failed_run")
async def test_whoever_lost_it_can_write_nothing_more(bench: Bench):
    await bench.notifier().feed_once()
    async with bench.database.begin() as connection:
        taken = await outbox.take_delivery(connection, owner="w1", now=bench.clock.now())
    assert taken is not None
    await forget_lease(bench)
    assert await bench.deliver(bench.notifier("w2")) == 1
    async with bench.database.begin() as connection:
        assert not await outbox.put_back(connection, taken, due_at=bench.clock.now(), error="too late")
    assert (await bench.deliveries())[0].state == "delivered"


@pytest.mark.usefixtures("failed_run")
async def test_a_worker_that_stops_gives_back_what_it_was_sending(bench: Bench, receiver: HttpReceiver):
    receiver.answers = ["hang", "200 OK"]
    stopping = bench.notifier("w1")
    await stopping.feed_once()
    sending = asyncio.create_task(stopping.send_one())
    await receiver.hanging.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (await bench.deliveries())[0].attempt == 0
    assert await bench.deliver(bench.notifier("w2")) == 1
    assert (await bench.deliveries())[0].state == "delivered"


async def test_a_channel_that_hangs_does_not_hold_up_the_others(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url, name="slow"), "ends")
    for _ in range(3):
        await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    await bench.notifier().feed_once()
    for expected in (True, True, False):
        async with bench.database.begin() as connection:
            taken = await outbox.take_delivery(connection, owner="w1", now=bench.clock.now())
        assert (taken is not None) is expected


async def test_what_kills_each_worker_that_takes_it_is_given_up(bench: Bench, receiver: HttpReceiver, failed_run: str):
    assert failed_run
    await bench.notifier().feed_once()
    for _ in range(MAX_ATTEMPTS):
        async with bench.database.begin() as connection:
            assert await outbox.take_delivery(connection, owner="w1", now=bench.clock.now())
        await forget_lease(bench)
    await bench.deliver()
    assert (await bench.deliveries())[0].state == "failed"
    assert receiver.got == []


async def test_what_ended_long_ago_is_forgotten(bench: Bench, receiver: HttpReceiver, failed_run: str):
    assert receiver.url
    assert failed_run
    await bench.deliver()
    async with bench.database.begin() as connection:
        assert await outbox.purge(connection) == 0
        await connection.execute(text("UPDATE notification_deliveries SET ended_at = now() - interval '31 days'"))
        assert await outbox.purge(connection) == 1
    await bench.deliver()
    assert len(receiver.got) == 1, "and not told again"


def test_delays_grow_and_are_spread():
    assert 0.8 * FIRST_DELAY_S <= delay_s(1) <= 1.2 * FIRST_DELAY_S
    assert 0.8 * LONGEST_DELAY_S <= delay_s(30) <= 1.2 * LONGEST_DELAY_S
    assert len({delay_s(3) for _ in range(20)}) > 1
    assert delay_s(1, asked_s=600) == 600


async def test_workers_that_work_at_once_tell_each_event_once(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "ends")
    for _ in range(4):
        await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    await asyncio.gather(*(bench.deliver(bench.notifier(f"w{number}")) for number in range(3)))
    await bench.deliver()
    assert sorted(item["seq"] for got in receiver.got for item in got.json["items"]) == [2, 3, 4, 5]


async def test_a_channel_can_be_removed_while_it_is_fed_and_spoken_to(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    channel = await bench.channel(receiver.url, person="Ann")
    await bench.rule(channel, "approval_requested")
    await bench.ask(workflow.adw_id)
    await bench.notifier().feed_once()
    async with bench.database.begin() as connection:
        taken = await outbox.take_delivery(connection, owner="w1", now=bench.clock.now())
        assert taken is not None
    async with bench.database.begin() as connection:
        await store.remove_channel(connection, "ops")
    async with bench.database.begin() as connection:
        asked = (await approvals.list_approvals(connection))[0]
        assert not await add_approval_link(connection, digest="d", approval_id=asked.id, channel=channel, person="Ann")
        assert not await outbox.end_delivery(connection, taken, state=DeliveryState.DELIVERED)
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    assert await bench.deliver() == 0
