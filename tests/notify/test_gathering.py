"""Digests and quiet hours, with a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import MakeWorkflow
from tests.notify.receivers import HttpReceiver
from tests.notify.stage import Bench

from adw.domain.events import EventType, NewEvent
from adw.domain.notification_times import end_of_quiet, next_digest
from adw.domain.notifications import Digest, expand_events
from adw.domain.quiet import QuietHours
from adw.kit.errors import UsageError
from adw.store import notification_outbox as outbox
from adw.store.events import append_events

NIGHT = QuietHours(start=22 * 60, end=7 * 60)


async def test_a_digest_tells_all_that_happened_in_one_message(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    one, two = await make_workflow(), await make_workflow(issue_number=2)
    await bench.rule(await bench.channel(receiver.url), "ends", digest=Digest(minutes=30))
    for workflow in (one, two):
        await bench.happen(workflow.adw_id, EventType.WORKFLOW_COMPLETED)
        assert await bench.deliver() == 0
    bench.clock.pass_by(minutes=30)
    assert await bench.deliver() == 1
    (got,) = receiver.got
    assert [item["adwId"] for item in got.json["items"]] == [one.adw_id, two.adw_id]
    assert got.json["summary"] == "2 events of 2 workflows"
    await bench.happen(one.adw_id, EventType.WORKFLOW_FAILED)
    bench.clock.pass_by(minutes=30)
    await bench.deliver()
    bench.clock.pass_by(minutes=30)
    await bench.deliver()
    assert len(receiver.got[1].json["items"]) == 1


async def test_a_long_digest_says_how_much_it_leaves_out(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "phase_failed", digest=Digest(minutes=1))
    async with bench.database.begin() as connection:
        await append_events(connection, workflow.adw_id, [NewEvent(type=EventType.PHASE_FAILED)] * 53)
    await bench.notifier().feed_once()
    bench.clock.pass_by(minutes=1)
    await bench.deliver()
    got = receiver.got[0].json
    assert (len(got["items"]), got["omitted"]) == (50, 3)


async def test_at_night_only_what_is_urgent_is_told_and_the_rest_in_the_morning(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    rule = {"quiet": NIGHT, "urgent": ["approval_requested"]}
    await bench.rule(await bench.channel(receiver.url), "attention", **rule)
    bench.clock.moment = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    await bench.ask(workflow.adw_id)
    await bench.happen(workflow.adw_id, EventType.BUDGET_WARNING)
    assert await bench.deliver() == 1
    assert receiver.got[0].json["items"][0]["event"] == "approval_requested"
    bench.clock.moment = datetime(2026, 5, 5, 6, 59, tzinfo=UTC)
    assert await bench.deliver() == 0
    bench.clock.pass_by(minutes=1)
    assert await bench.deliver() == 1
    assert [item["event"] for item in receiver.got[1].json["items"]] == ["workflow_failed", "budget_warning"]
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    assert await bench.deliver() == 1, "by day at once"


async def test_what_comes_too_late_for_a_digest_goes_into_the_next(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    """Clocks of workers differ: one has sent the digest already that another one still gathers for."""
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "ends", digest=Digest(minutes=10))
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_COMPLETED)
    await bench.notifier().feed_once()
    slow = bench.clock.moment
    bench.clock.pass_by(minutes=10)
    assert await bench.deliver() == 1
    bench.clock.moment = slow
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    assert await bench.deliver() == 0
    bench.clock.pass_by(minutes=20)
    assert await bench.deliver() == 1
    assert [len(got.json["items"]) for got in receiver.got] == [1, 1]


async def test_a_message_that_was_tried_is_not_added_to(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "ends", quiet=NIGHT)
    bench.clock.moment = datetime(2026, 5, 4, 23, 0, tzinfo=UTC)
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_COMPLETED)
    await bench.notifier().feed_once()
    async with bench.database.begin() as connection:
        early = bench.clock.now() + timedelta(hours=9)
        taken = await outbox.take_delivery(connection, owner="w1", now=early)
        assert taken is not None
        await outbox.put_back(connection, taken, due_at=early, error="the host answered 503")
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED)
    await bench.notifier().feed_once()
    bench.clock.pass_by(hours=10)
    assert await bench.deliver() == 2


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        (NIGHT, "2026-05-04T21:59:00+00:00", "2026-05-04T21:59:00+00:00"),
        (NIGHT, "2026-05-04T22:00:00+00:00", "2026-05-05T07:00:00+00:00"),
        (NIGHT, "2026-05-05T06:59:59+00:00", "2026-05-05T07:00:00+00:00"),
        (NIGHT, "2026-05-05T07:00:00+00:00", "2026-05-05T07:00:00+00:00"),
        (QuietHours(start=720, end=780), "2026-05-05T12:30:00+00:00", "2026-05-05T13:00:00+00:00"),
        (QuietHours(start=60, end=60), "2026-05-05T01:00:00+00:00", "2026-05-05T01:00:00+00:00"),
        # The night in which clocks are put forward, and the one in which they are put back.
        (
            QuietHours(start=1320, end=420, zone="Europe/Berlin"),
            "2026-03-28T23:00:00+00:00",
            "2026-03-29T05:00:00+00:00",
        ),
        (
            QuietHours(start=1320, end=420, zone="Europe/Berlin"),
            "2026-10-24T22:00:00+00:00",
            "2026-10-25T06:00:00+00:00",
        ),
        (QuietHours(start=0, end=150, zone="Europe/Berlin"), "2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"),
    ],
)
def test_quiet_hours_end_by_the_clocks_of_their_zone(quiet: QuietHours, moment: str, end: str):
    assert end_of_quiet(quiet, datetime.fromisoformat(moment)) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        (Digest(minutes=30), "2026-05-04T12:00:00+00:00", "2026-05-04T12:30:00+00:00"),
        (Digest(minutes=30), "2026-05-04T12:29:59+00:00", "2026-05-04T12:30:00+00:00"),
        (Digest(at=(480, 1020)), "2026-05-04T07:59:00+00:00", "2026-05-04T08:00:00+00:00"),
        (Digest(at=(480, 1020)), "2026-05-04T08:00:00+00:00", "2026-05-04T17:00:00+00:00"),
        (Digest(at=(480, 1020)), "2026-05-04T17:00:01+00:00", "2026-05-05T08:00:00+00:00"),
        (Digest(at=(480,), zone="Asia/Tokyo"), "2026-05-04T22:59:00+00:00", "2026-05-04T23:00:00+00:00"),
    ],
)
def test_a_digest_comes_at_the_same_moments_whoever_reckons(digest: Digest, now: str, due: str):
    assert next_digest(digest, datetime.fromisoformat(now)) == datetime.fromisoformat(due)


def test_groups_stand_for_their_events():
    assert expand_events(["pulls", "pull_request_merged", "error"]) == (
        "pull_request_opened",
        "pull_request_merged",
        "error",
    )
    with pytest.raises(UsageError):
        expand_events(["agent_text"])
