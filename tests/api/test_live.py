from __future__ import annotations

import asyncio
import json
import random
from contextlib import AsyncExitStack

import httpx
import pytest
from tests.api.sockets import served, socket_on
from tests.api.stage import TOKEN, WORKFLOWS, Stage, application
from tests.conftest import Eventually
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from adw.api.live.session import SocketLimits
from adw.api.serve import ServerName
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.store.deltas import Writer
from adw.store.events import append_events


@pytest.fixture(autouse=True)
def usual_limits() -> None:
    """The application outlives its stages."""
    application().state.socket_limits = SocketLimits()


async def say(stage: Stage, adw_id: str, count: int = 1, text: str = "hello") -> None:
    async with stage.database.begin() as connection:
        await append_events(connection, adw_id, [NewEvent(type=EventType.AGENT_TEXT, message=text)] * count)


@pytest.mark.parametrize("server", ["granian", "uvicorn"])
async def test_a_socket_replays_and_goes_on_until_the_server_restarts(stage: Stage, server: ServerName):
    adw_id = (await stage.work()).adw_id
    await say(stage, adw_id, 120)
    async with served(stage, server) as address, socket_on(address) as client:
        greeting = await client.hear()
        assert greeting["type"] == "connection_established"
        assert greeting["data"]["clientId"]
        assert greeting["data"]["authenticated"] is True
        ack = await client.subscribe(adw_id, after=1)
        assert (ack["type"], ack["adwId"], ack["data"]) == ("subscribed", adw_id, {"adwId": adw_id, "lastSeq": 1})
        frames = await client.hear_all(121)
        await say(stage, adw_id, 2)
        frames += await client.hear_all(2)
        assert [frame["seq"] for frame in frames] == list(range(2, 125))
        page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events", params={"limit": 1000, "after": 1})).json()
        assert frames == page["events"]
        await client.say("ping")
        assert (await client.hear())["type"] == "pong"
        stage.app.state.stopping.set()
        code, reason = await client.closed()
        assert code == 1012
        assert "connect again" in reason


async def test_a_socket_that_subscribes_to_nothing_hears_nothing(stage: Stage):
    adw_id = (await stage.work()).adw_id
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        await say(stage, adw_id)
        await client.subscribe(adw_id)
        await client.say("unsubscribe", adwId=adw_id)
        assert (await client.hear())["type"] == "unsubscribed"
        await say(stage, adw_id)
        await client.say("ping")
        assert (await client.hear())["type"] == "pong"
        assert not stage.services.feed.is_listening


async def test_all_workflows_are_followed_by_their_cursors(stage: Stage):
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        ack = await client.subscribe("*")
        first, second = (await stage.work()).adw_id, (await stage.work()).adw_id
        frames = await client.hear_all(4)
        assert {frame["adwId"] for frame in frames} == {first, second}
        assert [frame["seq"] for frame in frames if frame["adwId"] == first] == [1, 2]
        await client.subscribe("*", after=frames[1]["cursor"])
        assert await client.hear_all(2) == frames[2:]
        await client.subscribe("*", after=ack["data"]["cursor"])
        assert await client.hear_all(4) == frames


class TestWhoIsLetIn:
    async def test_the_token_may_come_in_the_first_frame(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        async with served(stage) as address, socket_on(address, token=None) as client:
            assert (await client.hear())["data"]["authenticated"] is False
            await client.say("authenticate", token=TOKEN)
            assert (await client.hear())["type"] == "authenticated"
            assert (await client.subscribe(adw_id))["type"] == "subscribed"

    @pytest.mark.parametrize(
        "frame",
        ['{"type":"authenticate","token":"wrong"}', '{"type":"subscribe","adwId":"*"}', "nonsense", b"\0", None],
    )
    async def test_nobody_else_is(self, stage: Stage, frame: str | bytes | None):
        stage.app.state.socket_limits = SocketLimits(authenticate_s=0.2 if frame is None else 20)
        async with served(stage) as address, socket_on(address, token=None) as client:
            await client.hear()
            if frame is not None:
                await client.connection.send(frame)
                told = await client.hear()
                assert (told["type"], told["data"]["code"]) == ("error", "unauthenticated")
            assert (await client.closed())[0] == 4401

    async def test_foreign_pages_and_foreign_names_are_refused_at_the_door(self, stage: Stage):
        async with served(stage) as address:
            for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
                with pytest.raises(InvalidStatus) as refused:
                    async with socket_on(address, **headers):
                        pass
                assert refused.value.response.status_code == 403
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://evil.example:{address.partition(':')[2]}/ws", host="127.0.0.1", proxy=None)
            assert refused.value.response.status_code == 403
            async with socket_on(address, Origin=f"http://{address}") as client:
                assert (await client.hear())["data"]["authenticated"] is True

    async def test_the_token_in_the_address_is_not_looked_at(self, stage: Stage):
        async with served(stage) as address, socket_on(address, token=None, query=f"?token={TOKEN}") as client:
            assert (await client.hear())["data"]["authenticated"] is False

    async def test_a_token_that_is_taken_away_ends_its_sockets(self, stage: Stage):
        stage.app.state.socket_limits = SocketLimits(ping_s=0.05)
        async with served(stage) as address, socket_on(address) as client:
            assert (await client.hear())["data"]["authenticated"] is True
            gate = stage.app.state.gate
            stage.app.state.gate = type(gate)(token="another-one")
            assert (await client.closed())[0] == 4401


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ("{", "bad_frame"),
            ("[]", "bad_frame"),
            ("null", "bad_frame"),
            ("{}", "unknown_type"),
            ('{"type":"shout"}', "unknown_type"),
            ('{"type":7}', "unknown_type"),
            ('{"type":"subscribe"}', "bad_frame"),
            ('{"type":"subscribe","adwId":""}', "bad_frame"),
            ('{"type":"subscribe","adwId":"a\\u0000"}', "bad_frame"),
            ('{"type":"subscribe","adwId":"\\ud800"}', "bad_frame"),
            ('{"type":"subscribe","adwId":"00000000","after":-1}', "bad_frame"),
            ('{"type":"subscribe","adwId":"00000000","after":1.5}', "bad_frame"),
            ('{"type":"subscribe","adwId":"00000000","after":true}', "bad_frame"),
            ('{"type":"subscribe","adwId":"00000000","after":"1.a.1"}', "bad_frame"),
            ('{"type":"subscribe","adwId":"*","after":1}', "bad_frame"),
            ('{"type":"subscribe","adwId":"*","after":"x"}', "usage"),
            ('{"type":"subscribe","adwId":"*","after":"99999999999999.ab.1"}', "usage"),
            ('{"type":"subscribe","adwId":"00000000"}', "not_found"),
            ('{"type":"subscribe","adwId":"00000000","more":1}', "bad_frame"),
            ('{"type":"unsubscribe"}', "bad_frame"),
            ('{"type":"authenticate","token":"x"}', "bad_frame"),
            ('{"type":"ping","data":"' + "x" * 70_000 + '"}', "bad_frame"),
            (b"\x00\xff", "bad_frame"),
        ],
    )
    async def test_what_makes_no_sense_is_told_and_the_socket_stays(self, heard, frame: str | bytes, code: str):
        await heard.connection.send(frame)
        told = await heard.hear()
        assert (told["type"], told["data"]["code"]) == ("error", code), told
        await heard.say("ping")
        assert (await heard.hear())["type"] == "pong"

    async def test_a_place_that_has_not_been_written_is_refused(self, heard, shared: Stage):
        adw_id = (await shared.work()).adw_id
        told = await heard.subscribe(adw_id, after=3)
        assert (told["type"], told["adwId"], told["data"]["code"]) == ("error", adw_id, "usage")

    @pytest.fixture
    async def heard(self, shared: Stage):
        async with served(shared) as address, socket_on(address) as client:
            await client.hear()
            yield client


async def test_one_socket_follows_only_so_many_feeds(stage: Stage):
    stage.app.state.socket_limits = SocketLimits(subscriptions=2)
    known = [(await stage.work()).adw_id for _ in range(2)]
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        for adw_id in (*known, known[0]):  # what is followed already is no further feed
            assert (await client.subscribe(adw_id))["type"] == "subscribed"
        assert (await client.subscribe("*"))["data"]["code"] == "too_many_subscriptions"
        await client.say("unsubscribe", adwId=known[1])
        await client.hear()
        assert (await client.subscribe("*"))["type"] == "subscribed"


async def test_whoever_is_silent_is_pinged_and_then_let_go(stage: Stage):
    stage.app.state.socket_limits = SocketLimits(ping_s=0.05, silence_s=0.4)
    async with served(stage) as address, socket_on(address) as silent, socket_on(address) as polite:
        await polite.hear()
        waiting = asyncio.create_task(silent.closed())
        while not waiting.done():
            assert (await polite.hear())["type"] == "ping"
            await polite.say("pong")
        assert (await waiting)[0] == 4408


async def test_text_being_written_is_passed_on_and_not_kept(stage: Stage, eventually: Eventually):
    adw_id = (await stage.work()).adw_id
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        await client.subscribe(adw_id)
        await say(stage, adw_id)
        await client.hear()
        stage.database.deltas.say(Writer(adw_id=adw_id, phase="build", role="implementor"), "Now the to")
        frame = await client.hear()
        assert frame["type"] == "agent_delta"
        assert frame["data"] == {"phase": "build", "role": "implementor", "text": "Now the to"}
        assert "seq" not in frame
    page = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()
    assert page["lastSeq"] == 3


async def test_a_client_that_connects_a_hundred_times_misses_and_repeats_nothing(stage: Stage):
    adw_id = (await stage.work()).adw_id
    chance = random.Random(3)
    seen: list[int] = []

    async def write() -> None:
        for _ in range(150):
            await say(stage, adw_id, chance.randint(1, 3))
            await asyncio.sleep(0.002)

    async with served(stage) as address:
        writing = asyncio.create_task(write())
        for _ in range(100):
            async with socket_on(address) as client:
                await client.hear()
                await client.subscribe(adw_id, after=len(seen))
                last = (await stage.row(adw_id)).last_seq
                for _ in range(min(chance.randint(0, 8), last - len(seen))):
                    seen.append((await client.hear())["seq"])  # noqa: PERF401 # each is known before the next
        await writing
        last = (await stage.row(adw_id)).last_seq
        async with socket_on(address) as client:
            await client.hear()
            await client.subscribe(adw_id, after=len(seen))
            while len(seen) < last:
                seen.append((await client.hear())["seq"])
    assert seen == list(range(1, last + 1))


async def test_a_slow_client_is_told_that_it_lags_and_another_one_is_served(stage: Stage):
    adw_id = (await stage.work()).adw_id
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(stage))
        slow = await stack.enter_async_context(socket_on(address))
        quick = await stack.enter_async_context(socket_on(address))
        for client in (slow, quick):
            await client.hear()
            await client.subscribe(adw_id)
        slow.connection.transport.pause_reading()
        seen = 0
        for _ in range(16):
            await say(stage, adw_id, 100, text="x" * 12_000)
            seen += len(await quick.hear_all(100))
        slow.connection.transport.resume_reading()
        frames = [await slow.hear()]
        while frames[-1]["type"] != "lagged":
            frames.append(await slow.hear())
        last = frames[-1]["data"]["lastSeq"]
        assert [frame["seq"] for frame in frames[:-1]] == list(range(3, last + 1))
        assert last < 1602
        await slow.subscribe(adw_id, after=last)
        assert [(await slow.hear())["seq"] for _ in range(5)] == list(range(last + 1, last + 6))
    assert seen == 1600


class TestServerSentEvents:
    async def test_a_workflow_is_told_as_messages_that_browsers_continue(self, stage: Stage):
        adw_id = (await stage.work()).adw_id
        await stage.http.post(f"{WORKFLOWS}/{adw_id}/cancel")
        headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
        answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", headers=headers)
        messages = [
            dict(line.split(": ", 1) for line in each.split("\n")) for each in answer.text.strip().split("\n\n")
        ]
        assert messages[0] == {"retry": "1000", "id": "1"}
        assert [message["id"] for message in messages[1:]] == ["2", "3"]
        assert json.loads(messages[-1]["data"])["type"] == "workflow_cancelled"
        headers["Last-Event-ID"] = "3"
        assert (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", headers=headers)).status_code == 204

    async def test_events_of_all_are_continued_by_their_cursors(self, stage: Stage):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with served(stage) as address, httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as http:
            first: list[dict[str, str]] = []
            async with http.stream("GET", "/api/events/stream") as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                lines = answer.aiter_lines()
                await anext(lines)
                assert (await anext(lines)).startswith("id: "), "where it begins"
                adw_id = (await stage.work()).adw_id
                async for line in lines:
                    if line.startswith("id: "):
                        first.append({"id": line[4:]})
                    if len(first) == 2:
                        break
            async with http.stream("GET", "/api/events/stream", headers={"Last-Event-ID": first[0]["id"]}) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        event = json.loads(line[6:])
                        break
            assert (event["adwId"], event["seq"], event["cursor"]) == (adw_id, 2, first[1]["id"])

    async def test_places_that_cannot_be_are_refused(self, shared: Stage):
        adw_id = (await shared.work()).adw_id
        answers = [
            await shared.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", params={"after": 3}),
            await shared.http.get(f"{WORKFLOWS}/{adw_id}/events/stream", headers={"Last-Event-ID": "x"}),
            await shared.http.get("/api/events/stream", params={"after": "x"}),
            await shared.http.get("/api/events/stream", headers={"Last-Event-ID": "1.2.3.4.5"}),
            await shared.http.get("/api/events/stream", params={"after": f"{2**59}.ab.1"}),
        ]
        assert [answer.status_code for answer in answers] == [409, 422, 422, 409, 409]
        assert {answer.json()["code"] for answer in answers} == {"usage"}


async def test_an_ended_workflow_is_followed_to_its_end(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    following = asyncio.create_task(stage.http.get(f"{WORKFLOWS}/{adw_id}/events/stream"))
    await say(stage, adw_id, 60)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    lines = (await following).text.splitlines()
    assert [json.loads(line)["seq"] for line in lines if line] == list(range(1, 65))
