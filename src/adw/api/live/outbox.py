"""What is to be sent on one socket, and by whom that is found out: answers first, then events, then passing text."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from adw.api.live.frames import error_frame, feed_named, server_frame
from adw.api.live.packing import SendTexts
from adw.kit.errors import AdwError
from adw.stream import LaggedError, Subscription

MAX_ANSWERS = 100
"""Answers that wait to be sent; a client that asks on without reading is not listened to meanwhile."""


class Outbox:
    """Sends from one task, so that frames never mix. Subscriptions wake it; it takes from them what it can send."""

    def __init__(self) -> None:
        self._answers: deque[str] = deque()
        self._ready: dict[Subscription[Any], None] = {}
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def wake(self, subscription: Subscription[Any]) -> None:
        self._ready[subscription] = None
        self._work.set()

    def answer(self, frame: str) -> None:
        """Sends this before any further event."""
        self._answers.append(frame)
        self._work.set()
        if len(self._answers) >= MAX_ANSWERS:
            self._room.clear()

    async def room(self) -> None:
        """Returns once few enough answers wait."""
        await self._room.wait()

    async def deliver(self, send: SendTexts) -> None:
        """Sends whatever there is until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self._send_answers(send)
            ready, self._ready = self._ready, {}
            for subscription in ready:
                await self._send_events(subscription, send)

    async def _send_answers(self, send: SendTexts) -> None:
        while self._answers:
            await send((self._answers.popleft(),))
            if len(self._answers) < MAX_ANSWERS:
                self._room.set()

    async def _send_events(self, subscription: Subscription[Any], send: SendTexts) -> None:
        """One batch, so that no feed keeps another one waiting."""
        try:
            frames = await subscription.take()
        except LaggedError as error:
            self.answer(_lagged(subscription, error))
            return
        except AdwError as error:
            subscription.close()
            self.answer(error_frame(error.code, error.message, hint=error.hint, of=feed_named(subscription.name)))
            return
        if frames and subscription.is_open:
            await send([frame.text for frame in frames])
        if subscription.is_open and not subscription.is_current:
            self.wake(subscription)
        elif deltas := subscription.take_deltas():
            await send(deltas)


def _lagged(subscription: Subscription[Any], error: LaggedError) -> str:
    of = feed_named(subscription.name)
    data: dict[str, Any] = {of[0]: of[1], "message": error.message}
    if isinstance(subscription.at, int):
        data["lastSeq"] = subscription.at
    else:
        data["cursor"] = str(subscription.at)
    return server_frame("lagged", of=of, data=data)
