from __future__ import annotations

import asyncio

from tests.client.conftest import Live

from adw.client import AdwClient, AsyncAdwClient
from adw.domain.events import EventType
from adw.domain.status import Status


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
