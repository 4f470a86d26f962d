from __future__ import annotations

import asyncio

import pytest
from tests.client.conftest import Live

from adw.client import AdwClient, AsyncAdwClient
from adw.domain.events import EventType
from adw.domain.status import Status
from adw.kit.errors import UnreachableError


class Seen:
    """Events as they come, and a way to wait for one."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self._changed = asyncio.Condition()

    async def __call__(self, event) -> None:
        async with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    async def until(self, kind: str) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: any(event["type"] == kind for event in self.events))

    @property
    def numbers(self) -> list[int]:
        return [event["seq"] for event in self.events]


async def test_events_arrive_while_the_workflow_runs_and_the_end_ends_it(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    seen = Seen()
    waiting = asyncio.create_task(client.wait(adw_id, on_event=seen))
    await seen.until("workflow_queued")
    await live.stage.activate(adw_id)
    await seen.until("workflow_started")
    assert not waiting.done()
    await live.stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    workflow = await waiting
    assert workflow["status"] == "completed"
    assert seen.numbers == list(range(1, workflow["lastSeq"] + 1))


async def test_a_server_that_restarts_is_waited_for_without_gap_or_repetition(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    seen = Seen()
    waiting = asyncio.create_task(client.wait(adw_id, on_event=seen))
    await seen.until("workflow_queued")
    await live.stop()
    await live.stage.activate(adw_id)
    assert not waiting.done()
    await live.start_again()
    await live.stage.move(adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
    workflow = await waiting
    assert workflow["status"] == "failed"
    assert seen.numbers == list(range(1, workflow["lastSeq"] + 1))


async def test_waiting_for_a_person_ends_the_wait_only_when_asked_to(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    seen = Seen()
    patient = asyncio.create_task(client.wait(adw_id, on_event=seen))
    await live.stage.activate(adw_id)
    await live.stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
    asked = await client.wait(adw_id, stop_for_person=True)
    assert (asked["status"], asked["waitReason"]) == ("waiting", "approval")
    await seen.until("workflow_waiting")
    assert not patient.done()
    await client.cancel(adw_id)
    assert (await patient)["status"] == "cancelled"


async def test_waiting_for_a_limit_is_no_reason_to_ask_a_person(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    await live.stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="usage_limit")
    seen = Seen()
    waiting = asyncio.create_task(client.wait(adw_id, on_event=seen, stop_for_person=True))
    await seen.until("workflow_waiting")
    await client.cancel(adw_id)
    assert (await waiting)["status"] == "cancelled"


async def test_the_sync_client_waits_as_well(live: Live, sync_client: AdwClient):
    adw_id = (await live.stage.work()).adw_id
    events: list[str] = []
    waiting = asyncio.create_task(
        asyncio.to_thread(sync_client.wait, adw_id, on_event=lambda event: events.append(event["type"]), after=1)
    )
    await live.stage.activate(adw_id)
    await live.stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    async with asyncio.timeout(20):
        assert (await waiting)["status"] == "completed"
    assert events == ["workflow_queued", "workflow_started", "workflow_completed"]


async def test_leaving_a_stream_early_is_no_trouble(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    stream = client.stream_events(adw_id)
    assert (await anext(stream))["seq"] == 1
    await stream.aclose()  # type: ignore[attr-defined] # it is a generator
    assert (await client.get_workflow(adw_id))["status"] == "queued"


async def test_a_workflow_is_followed_over_a_restart_to_its_end(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    followed = client.follow(adw_id)
    first = await anext(followed)
    await live.stop()
    await live.stage.activate(adw_id)
    await live.start_again()
    await live.stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    async with asyncio.timeout(20):
        rest = [event["seq"] async for event in followed]
    assert [first["seq"], *rest] == list(range(1, (await live.stage.row(adw_id)).last_seq + 1))


async def test_all_workflows_are_followed_though_nothing_had_happened_before_the_break(
    live: Live, client: AsyncAdwClient
):
    await live.stage.work()
    followed = client.follow_all(types=["workflow_created"])
    coming = asyncio.create_task(anext(followed))
    async with asyncio.timeout(20):
        while not live.stage.services.feed.is_listening:  # noqa: ASYNC110 # it offers nothing to wait for
            await asyncio.sleep(0.01)
    await live.stop()
    adw_id = (await live.stage.work("Meanwhile")).adw_id
    await live.start_again()
    async with asyncio.timeout(20):
        told = await coming
    assert (told["adwId"], told["seq"]) == (adw_id, 1)
    await followed.aclose()  # type: ignore[attr-defined] # it is a generator


async def test_the_sync_client_follows_as_well(live: Live, sync_client: AdwClient):
    adw_id = (await live.stage.work()).adw_id
    await live.stage.activate(adw_id)
    await live.stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    last = (await live.stage.row(adw_id)).last_seq
    seen = await asyncio.to_thread(lambda: [event["seq"] for event in sync_client.follow(adw_id, after=1)])
    assert seen == list(range(2, last + 1))


async def test_a_server_that_is_gone_for_too_long_is_told(live: Live, client: AsyncAdwClient):
    await live.stop()
    with pytest.raises(UnreachableError):
        await anext(client.follow_all(patience_s=0))
