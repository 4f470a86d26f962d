"""A conversation as those see it who watch: its entries, who is answering, and words while they are written."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.chat.conftest import Talk, calls, rule, says
from tests.conftest import Eventually

from adw.api.live.logs import Conversation
from adw.api.views.events import event_json
from adw.stream import Feed, Subscription


async def test_words_are_seen_while_they_are_written(talk: Talk, eventually: Eventually):
    talk.follow(rule("look", calls("list_workflows"), says("Nothing runs, and nothing waits."), prompt="going on"))
    feed = Feed(talk.database, encode=event_json)
    news, seen = asyncio.Event(), list[dict[str, Any]]()

    async def watch(subscription: Subscription[Any]) -> None:
        while True:
            await news.wait()
            news.clear()
            while frames := await subscription.take():
                seen.extend(json.loads(frame.text) for frame in frames)
            seen.extend(json.loads(delta) for delta in subscription.take_deltas())

    subscription, _ = await feed.follow_log(
        Conversation(talk.database, talk.id), after=0, wake=lambda _subscription: news.set()
    )
    watching = asyncio.create_task(watch(subscription))
    await talk.ask("What is going on?")
    await eventually(lambda: seen and seen[-1]["type"] == "turn_ended")
    watching.cancel()
    subscription.close()
    await feed.close()
    kept = [frame["data"]["kind"] for frame in seen if "seq" in frame]
    assert kept == [entry.kind for entry in await talk.entries()]
    assert (kept[0], kept[-1]) == ("message", "answer")
    passing = [frame["type"] for frame in seen if "seq" not in frame]
    assert passing[0] == "turn_started"
    assert set(passing) <= {"turn_started", "chat_delta", "turn_ended"}
