from __future__ import annotations

import json

from tests.api.stage import WORKFLOWS, Stage

from adw.api.views.events import EventPage
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.store.events import append_events


async def say(stage: Stage, adw_id: str, *messages: str, kind: EventType = EventType.AGENT_TEXT) -> None:
    async with stage.database.begin() as connection:
        await append_events(connection, adw_id, [NewEvent(type=kind, message=message) for message in messages])


async def test_events_come_in_order_with_everything_a_page_needs(stage: Stage):
    adw_id = (await stage.work()).adw_id
    page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()
    assert [event["seq"] for event in page["events"]] == [1, 2]
    first = page["events"][0]
    assert first.keys() == {"type", "timestamp", "adwId", "seq", "phase", "message", "summary", "data"}
    assert first["summary"] == "accepted: Fix the date"
    assert (first["type"], first["adwId"]) == ("workflow_created", adw_id)
    assert (page["lastSeq"], page["nextCursor"]) == (2, None)


async def test_pages_are_what_is_described_and_nothing_more(stage: Stage):
    adw_id = (await stage.work()).adw_id
    page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()
    assert EventPage.model_validate(page).model_dump(mode="json", by_alias=True) == page
    beyond = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params={"after": 2})).json()
    assert beyond == {"events": [], "lastSeq": 2, "nextCursor": None}
    assert (await stage.http.get(f"{WORKFLOWS}/00000000/events")).status_code == 404


async def test_pages_are_continued_by_the_cursor(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await say(stage, adw_id, *"abcde")
    seen, after = [], 0
    while after is not None:
        params = {"after": after, "limit": 3}
        page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params=params)).json()
        seen += [event["seq"] for event in page["events"]]
        after = page["nextCursor"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_only_the_wanted_types_are_given(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await say(stage, adw_id, "hello")
    for types in ("agent_text,workflow_queued", ["agent_text", "workflow_queued"]):
        page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params={"types": types})).json()
        assert [event["type"] for event in page["events"]] == ["workflow_queued", "agent_text"]
        assert page["lastSeq"] == 3


async def test_the_stream_of_an_ended_workflow_is_all_of_it_and_ends(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    await say(stage, adw_id, *(f"line {number}" for number in range(600)))
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", params={"after": 1})
    events = [json.loads(line) for line in answer.text.splitlines() if line]
    assert [event["seq"] for event in events] == list(range(2, 605))
    assert events[-1]["type"] == "workflow_completed"
    page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params={"limit": 1000, "after": 1})).json()
    assert events == page["events"]


async def test_a_filtered_stream_ends_as_well(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", params={"types": "workflow_created"})
    assert [json.loads(line)["type"] for line in answer.text.splitlines()] == ["workflow_created"]


async def test_a_server_that_stops_ends_its_streams(stage: Stage):
    adw_id = (await stage.work()).adw_id
    stage.app.state.stopping.set()
    assert (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream")).status_code == 200
