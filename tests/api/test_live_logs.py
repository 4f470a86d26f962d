"""Conversations and the logs of free agents, followed on a socket."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.api.sockets import Client, served, socket_on
from tests.api.stage import Stage

from adw.store import chat, chat_turns
from adw.store.deltas import AGENT_PREFIX, CHAT_PREFIX, Writer
from adw.store.free_agent_log import write_log
from adw.store.free_agents import NewAgent, create_agent, lock_agent
from adw.store.orchestrators import get_or_create_orchestrator


async def own(stage: Stage) -> UUID:
    async with stage.database.begin() as connection:
        return (await get_or_create_orchestrator(connection, str(stage.app.state.data_dir))).id


async def say(stage: Stage, orchestrator_id: UUID, words: str) -> None:
    async with stage.database.begin() as connection:
        await chat.post_message(connection, orchestrator_id, author="Ada", body=words)


async def follow(client: Client, **feed: Any) -> dict[str, Any]:
    await client.say("subscribe", **feed)
    return await client.hear()


async def test_a_conversation_is_told_from_its_beginning_and_as_it_goes_on(stage: Stage):
    orchestrator_id = await own(stage)
    name = str(orchestrator_id)
    await say(stage, orchestrator_id, "How is it going?")
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        ack = await follow(client, orchestrator="own", after=0)
        assert (ack["type"], ack["orchestrator"]) == ("subscribed", name)
        assert ack["data"] == {"orchestrator": name, "lastSeq": 0, "turnId": None}
        asked = await client.hear()
        assert (asked["type"], asked["orchestrator"], asked["data"]["kind"]) == ("chat_message", name, "message")
        assert asked["data"]["message"] == "How is it going?"

        async with stage.database.begin() as connection:
            turn = await chat_turns.take_turn(connection, owner="w#1")
        assert turn is not None
        began = await client.hear()
        assert (began["type"], began["data"]) == ("turn_started", {"turnId": turn.id})
        stage.database.deltas.say(Writer(adw_id=f"{CHAT_PREFIX}{name}", phase="chat", role="orchestrator"), "It go")
        piece = await client.hear()
        assert (piece["type"], piece["orchestrator"], piece["data"]) == ("chat_delta", name, {"text": "It go"})
        assert "seq" not in piece
        async with stage.database.begin() as connection:
            await chat_turns.note(connection, turn, kind="tool_use", message="list_workflows", metadata={"id": "t"})
            await chat_turns.end_turn(connection, turn, state="answered", answer="It goes well.")
        frames = await client.hear_all(3)
        assert [frame["type"] for frame in frames] == ["chat_message", "chat_message", "turn_ended"]
        assert [frame["data"].get("kind") for frame in frames] == ["tool_use", "answer", None]
        assert frames[1]["data"]["metadata"]["state"] == "answered"
        assert frames[2]["data"] == {"turnId": turn.id}

        history = (await stage.http.get("/api/orchestrator/history")).json()["entries"]
        told = [asked, *frames[:2]]
        assert [(frame["seq"], frame["timestamp"], frame["data"]) for frame in told] == [
            (entry.pop("seq"), entry.pop("createdAt"), entry) for entry in history
        ]
        await client.say("unsubscribe", orchestrator="own")
        assert (await client.hear())["data"] == {"orchestrator": "own"}
        await client.say("ping")
        assert (await client.hear())["type"] == "pong"
        assert not stage.services.feed.is_listening


async def test_whoever_joins_while_a_turn_is_answered_is_told_so(stage: Stage):
    orchestrator_id = await own(stage)
    await say(stage, orchestrator_id, "Hello")
    async with stage.database.begin() as connection:
        turn = await chat_turns.take_turn(connection, owner="w#1")
    assert turn is not None
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        ack = await follow(client, orchestrator=str(orchestrator_id))
        assert ack["data"]["turnId"] == turn.id


async def test_a_client_that_comes_back_misses_and_repeats_nothing(stage: Stage):
    orchestrator_id = await own(stage)
    chance = random.Random(5)
    seen: list[str] = []
    at = 0

    async def write() -> None:
        for number in range(60):
            await say(stage, orchestrator_id, str(number))

    async with served(stage) as address:
        writing = asyncio.create_task(write())
        while len(seen) < 60:
            async with socket_on(address) as client:
                await client.hear()
                await follow(client, orchestrator="own", after=at)
                for _ in range(min(chance.randint(0, 9), 60 - len(seen))):
                    frame = await client.hear()
                    at = frame["seq"]
                    seen.append(frame["data"]["message"])
        await writing
    assert seen == [str(number) for number in range(60)]


async def test_the_log_of_a_free_agent_is_followed_by_its_name(stage: Stage):
    orchestrator_id = await own(stage)
    new = NewAgent(
        orchestrator_agent_id=orchestrator_id, name="scout", system_prompt="Look.", tools=(), created_by="ada"
    )
    async with stage.database.begin() as connection:
        agent = await create_agent(connection, new)
        await write_log(connection, agent.id, kind="command", body="Look around")
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        ack = await follow(client, agent="scout", after=0)
        assert (ack["type"], ack["agent"]) == ("subscribed", str(agent.id))
        first = await client.hear()
        assert (first["type"], first["agent"], first["data"]["body"]) == ("agent_log", str(agent.id), "Look around")
        async with stage.database.begin() as connection:
            await lock_agent(connection, agent.id)
            await write_log(connection, agent.id, kind="text", body="I see.")
        second = await client.hear()
        assert (second["data"]["kind"], second["data"]["summary"]) == ("text", "I see.")
        assert second["seq"] > first["seq"]
        stage.database.deltas.say(Writer(adw_id=f"{AGENT_PREFIX}{agent.id}", phase="", role="scout"), "And")
        piece = await client.hear()
        assert (piece["type"], piece["agent"], piece["data"]) == ("agent_delta", str(agent.id), {"text": "And"})


@pytest.mark.parametrize(
    ("feed", "code"),
    [
        ({"orchestrator": "own", "adwId": "*"}, "bad_frame"),
        ({"orchestrator": "own", "after": "1.a.1"}, "bad_frame"),
        ({"orchestrator": "somebody"}, "not_found"),
        ({"orchestrator": str(uuid4())}, "not_found"),
        ({"adwId": f"{CHAT_PREFIX}{uuid4()}"}, "not_found"),
        ({"agent": "nobody"}, "not_found"),
    ],
)
async def test_what_cannot_be_followed_is_refused(stage: Stage, feed: dict[str, Any], code: str):
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        told = await follow(client, **feed)
        assert (told["type"], told["data"]["code"]) == ("error", code), told
        named = {name: value for name, value in feed.items() if name != "after"}
        if len(named) == 1 and code != "bad_frame":
            assert named.items() <= told.items()


async def test_a_place_beyond_the_end_is_the_end(stage: Stage):
    orchestrator_id = await own(stage)
    async with served(stage) as address, socket_on(address) as client:
        await client.hear()
        assert (await follow(client, orchestrator="own", after=10**9))["data"]["lastSeq"] == 0
        await say(stage, orchestrator_id, "Hello")
        assert (await client.hear())["data"]["message"] == "Hello"
